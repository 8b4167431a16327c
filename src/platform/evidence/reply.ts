// SPDX-License-Identifier: Apache-2.0
/** Replies of the services that stand in for Intel's. */
import { randomBytes } from "node:crypto";

export type Headers = Readonly<Record<string, string>>;

/** Every reply names its request; Intel's portal asks for that number in complaints. */
export function reply(
  status: number,
  body: string | Uint8Array<ArrayBuffer> = "",
  headers: Headers = {},
): Response {
  return new Response(body === "" ? null : body, {
    status,
    headers: { "Request-ID": randomBytes(16).toString("hex"), ...headers },
  });
}

export function json(body: string, headers: Headers = {}): Response {
  return reply(200, body, { "Content-Type": "application/json", ...headers });
}

/** A chain in a header is URL-encoded, line ends too. */
export function chainHeader(name: string, pem: string): Headers {
  return { [name]: encodeURIComponent(pem) };
}
