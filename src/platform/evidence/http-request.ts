// SPDX-License-Identifier: Apache-2.0
/**
 * HTTP/1.1 (RFC 9112) as far as a service needs it that reads one request of a connection and closes:
 * bytes to a Request, a Response to bytes. docs/reference/simulated-evidence.md has the limits.
 */

export const HTTP_LIMITS = { headBytes: 16 << 10, bodyBytes: 64 << 10 } as const;

/** A request, or the status that says why it is none. */
export type Received = Request | { readonly status: number };

const END_OF_HEAD = Buffer.from("\r\n\r\n");
const METHOD_AND_TARGET = /^([A-Z]{1,16}) ([\x21-\x7e]+) HTTP\/1\.[01]$/;
/** What a Request takes; another it would make a GET of, or refuse. */
const METHODS: readonly string[] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];
/**
 * RFC 9110, 5.6.2: a token, no space before the colon (request smuggling), no control character. The spaces
 * before the value are part of it here: two places for them would be tried against one another.
 */
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)$/;

type Head = {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly bodyBytes: number;
  /** Where the body starts. */
  readonly length: number;
};

/** `write` sends an interim response. */
export function httpReader(write: (bytes: Uint8Array) => void): {
  readonly push: (chunk: Uint8Array) => Received | undefined;
} {
  const parts: Uint8Array[] = [];
  let size = 0;
  let head: Head | undefined;
  const push = (chunk: Uint8Array): Received | undefined => {
    parts.push(chunk);
    size += chunk.length;
    if (head === undefined) {
      const bytes = Buffer.concat(parts);
      parts.splice(0, parts.length, bytes);
      const end = bytes.subarray(0, HTTP_LIMITS.headBytes).indexOf(END_OF_HEAD);
      if (end < 0) return size < HTTP_LIMITS.headBytes ? undefined : { status: 431 };
      const read = readHead(bytes.toString("latin1", 0, end), end + END_OF_HEAD.length);
      if ("status" in read) return read;
      head = read;
      const waits = head.headers.get("Expect")?.toLowerCase() === "100-continue";
      if (waits && size < head.length + head.bodyBytes) {
        write(Buffer.from("HTTP/1.1 100 Continue\r\n\r\n"));
      }
    }
    return size < head.length + head.bodyBytes ? undefined : complete(head, Buffer.concat(parts));
  };
  return { push };
}

function readHead(text: string, length: number): Head | { readonly status: number } {
  const [first = "", ...lines] = text.split("\r\n");
  const [, method, target] = METHOD_AND_TARGET.exec(first) ?? [];
  if (method === undefined || target === undefined) return { status: 400 };
  if (!METHODS.includes(method)) return { status: 405 };
  const url = addressOf(target);
  const headers = new Headers();
  for (const line of lines) {
    const [, name, value = ""] = FIELD.exec(line) ?? [];
    if (name === undefined) return { status: 400 };
    headers.append(name, value.trim());
  }
  if (url === undefined) return { status: 400 };
  // Nobody who asks for this has to send a body whose length is unknown beforehand.
  if (headers.has("Transfer-Encoding")) return { status: 411 };
  // Two lengths are one text with a comma.
  const bodyLength = headers.get("Content-Length") ?? "0";
  if (!/^\d{1,10}$/.test(bodyLength)) return { status: 400 };
  if (Number(bodyLength) > HTTP_LIMITS.bodyBytes) return { status: 413 };
  return { method, url, headers, bodyBytes: Number(bodyLength), length };
}

/** Which host was asked is of no importance here. */
function addressOf(target: string): URL | undefined {
  const path = target.startsWith("/") ? target : /^http:\/\/[^/]+(\/.*)$/i.exec(target)?.[1];
  if (path === undefined || !URL.canParse(`http://localhost${path}`)) return undefined;
  return new URL(`http://localhost${path}`);
}

function complete({ method, url, headers, bodyBytes, length }: Head, bytes: Buffer): Request {
  const bare = method === "GET" || method === "HEAD" || bodyBytes === 0;
  const body = bare ? null : bytes.subarray(length, length + bodyBytes);
  return new Request(url.href, { method, headers, body });
}

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  401: "Unauthorized",
  404: "Not Found",
  405: "Method Not Allowed",
  410: "Gone",
  411: "Length Required",
  413: "Content Too Large",
  414: "URI Too Long",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
};

/** A response's bytes; HEAD gets the length of a body, but none. */
export async function encodeResponse(response: Response, method: string): Promise<Uint8Array> {
  const body = new Uint8Array(await response.arrayBuffer());
  const fields = [...response.headers].map(([name, value]) => `${name}: ${value}\r\n`);
  const head = [
    `HTTP/1.1 ${response.status} ${REASONS[response.status] ?? ""}\r\n`,
    ...fields,
    `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`,
  ].join("");
  return Buffer.concat([Buffer.from(head, "latin1"), method === "HEAD" ? new Uint8Array() : body]);
}
