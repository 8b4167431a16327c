// SPDX-License-Identifier: Apache-2.0

import { RuneError } from "../../errors/error.ts";
import type { Fetcher, HttpAnswer } from "./collateral-service.ts";

/** Intel's service answers within a second; a caching one may have to ask it first. */
const TIMEOUT_MS = 30_000;
const LONGEST_BODY_BYTES = 8 << 20;

type Transport = { readonly insecure: boolean };

/** Fetches over HTTP(S), with a limit on time and size. */
export function httpFetcher(transport: Transport): Fetcher {
  return (url) => request(url, {}, transport);
}

/** Sends a body. A redirect is refused: the headers may hold a key that is for this service only. */
export async function httpPost(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  transport: Transport,
): Promise<HttpAnswer> {
  try {
    return await request(url, { method: "POST", body, headers, redirect: "error" }, transport);
  } catch (error) {
    if (error instanceof RuneError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new RuneError({
      code: "ATTEST_COLLATERAL",
      doing: `fetch \`${url}\``,
      reason,
      cause: error,
    });
  }
}

async function request(
  url: string,
  init: RequestInit,
  { insecure }: Transport,
): Promise<HttpAnswer> {
  const { address, ...socket } = placeOf(url);
  const response = await fetch(address, {
    ...init,
    ...socket,
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...(insecure ? { tls: { rejectUnauthorized: false } } : {}),
  });
  return {
    status: response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    body: await readLimited(response, url),
  };
}

/** Addresses of services: http, https, and `unix:` with a socket whose name ends in `.sock`. */
export const SERVICE_ADDRESS = /^(https?:\/\/|unix:\/)/;

/** "unix:/run/x/evidence.sock/sgx/..." is what is said to that socket about "/sgx/...". */
function placeOf(url: string): { readonly address: string; readonly unix?: string } {
  const [, unix, path] = /^unix:(\/.+?\.sock)(\/.*)$/.exec(url) ?? [];
  return unix === undefined ? { address: url } : { address: `http://localhost${path}`, unix };
}

async function readLimited(response: Response, url: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of response.body ?? []) {
    total += chunk.length;
    if (total > LONGEST_BODY_BYTES) {
      throw new RuneError({
        code: "ATTEST_COLLATERAL",
        doing: `fetch \`${url}\``,
        reason: `more than ${LONGEST_BODY_BYTES} bytes`,
      });
    }
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
