// SPDX-License-Identifier: Apache-2.0

import type { Fetcher } from "../attest/fetch/collateral-service.ts";
import { RuneError } from "../errors/error.ts";

/** Intel's service answers within a second; a caching one may have to ask it first. */
const TIMEOUT_MS = 30_000;
const LONGEST_BODY_BYTES = 8 << 20;

/** Fetches over HTTP(S), with a limit on time and size. */
export function httpFetcher({ insecure }: { readonly insecure: boolean }): Fetcher {
  return async (url) => {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(insecure ? { tls: { rejectUnauthorized: false } } : {}),
    });
    return {
      status: response.status,
      header: (name) => response.headers.get(name) ?? undefined,
      body: await readLimited(response, url),
    };
  };
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
