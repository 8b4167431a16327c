// SPDX-License-Identifier: Apache-2.0
/** HTTP on the evidence's socket: what is a request, what is none, and who is let go. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Listener } from "../../aesm/listener.ts";
import { HTTP_LIMITS, httpReader } from "./http-request.ts";
import { listenHttp } from "./listen.ts";

let folder: string;
let socket: string;
let listener: Listener | undefined;
let statuses: number[] = [];
let faults: unknown[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "evidence-listen-"));
  socket = join(folder, "http.sock");
  statuses = [];
  faults = [];
});
afterEach(async () => {
  await listener?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Answers with what it was asked. */
async function start(changes: Partial<Parameters<typeof listenHttp>[0]> = {}): Promise<void> {
  listener = await listenHttp({
    socket,
    mode: 0o640,
    answer: async (request) =>
      new Response(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`, {
        headers: { "X-Seen": request.headers.get("X-Sent") ?? "" },
      }),
    onReply: (status) => statuses.push(status),
    onFault: (error) => faults.push(error),
    ...changes,
  });
}

/** All that comes for the bytes that are sent, until the service closes. */
function talk(...chunks: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    let got = "";
    const connection = connect({ path: socket }, async () => {
      for (const chunk of chunks) {
        connection.write(chunk, "latin1");
        await Bun.sleep(3);
      }
    });
    connection.on("data", (chunk: Buffer) => {
      got += chunk.toString("latin1");
    });
    connection.on("error", () => {});
    connection.on("close", () => resolve(got));
  });
}

const statusOf = async (...chunks: readonly string[]) =>
  Number(/^HTTP\/1\.1 (\d{3}) /.exec(await talk(...chunks))?.[1]);

describe("answers", () => {
  test("fetch, and curl, with and without a body", async () => {
    await start();
    const got = await fetch("http://any/a?b=c", { unix: socket, headers: { "X-Sent": "é" } });
    expect([got.status, await got.text(), got.headers.get("X-Seen")]).toEqual([
      200,
      "GET /a ",
      "é",
    ]);
    const posted = await fetch("http://any/p", { unix: socket, method: "POST", body: "text" });
    expect(await posted.text()).toBe("POST /p text");
    expect(statSync(socket).mode & 0o777).toBe(0o640);
    expect(statuses).toEqual([200, 200]);
  });
  test("HEAD with a body's length and no body", async () => {
    await start();
    const text = await talk("HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(text).toContain("\r\ncontent-length: 8\r\n".replace("content-length", "Content-Length"));
    expect(text).toEndWith("Connection: close\r\n\r\n");
  });
  test("a field of spaces takes no longer than any other", () => {
    const text = `GET / HTTP/1.1\r\nA:${" ".repeat(16_000)}\x01\r\n\r\n`;
    const began = performance.now();
    for (let count = 0; count < 20; count++) {
      expect(httpReader(() => {}).push(Buffer.from(text))).toEqual({ status: 400 });
    }
    expect(performance.now() - began).toBeLessThan(1000);
  });
  test("a request that comes byte by byte, and an absolute address", async () => {
    await start();
    const text = "POST http://pcs.invalid/x HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
    expect(await talk(...text)).toEndWith("\r\n\r\nPOST /x abc");
  });
  test("who waits to be told to go on", async () => {
    await start();
    const head = "POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    const text = await talk(head, "ab");
    expect(text).toStartWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n");
  });
  test("one request a connection", async () => {
    await start();
    const one = "GET /1 HTTP/1.1\r\n\r\n";
    expect((await talk(one + one)).match(/HTTP\/1\.1 200/g)).toHaveLength(1);
  });
  test("500 for what is its own fault, which it tells", async () => {
    await start({ answer: () => Promise.reject(new Error("broken")) });
    expect(await statusOf("GET / HTTP/1.1\r\n\r\n")).toBe(500);
    expect(faults).toEqual([new Error("broken")]);
  });
});

describe("refuses", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["\r\n\r\n", 400],
    ["GET /\r\n\r\n", 400],
    ["GET / HTTP/2.0\r\n\r\n", 400],
    ["get / HTTP/1.1\r\n\r\n", 400],
    ["GET / / HTTP/1.1\r\n\r\n", 400],
    ["GET x HTTP/1.1\r\n\r\n", 400],
    ["GET * HTTP/1.1\r\n\r\n", 400],
    ["GET /\x80 HTTP/1.1\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nno colon\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nName : space before the colon\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nA: b\r\n folded: line\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nA: b\x00\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nA: bare\nB: line end\r\n\r\n", 400],
    ["POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400],
    ["POST / HTTP/1.1\r\nContent-Length: 1e3\r\n\r\n", 400],
    ["POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400],
    ["POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411],
    ["POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc", 411],
    [`POST / HTTP/1.1\r\nContent-Length: ${HTTP_LIMITS.bodyBytes + 1}\r\n\r\n`, 413],
    ["POST / HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n", 413],
    [`GET / HTTP/1.1\r\nA: ${"b".repeat(HTTP_LIMITS.headBytes)}`, 431],
    ["FOO / HTTP/1.1\r\n\r\n", 405],
    ["TRACE / HTTP/1.1\r\n\r\n", 405],
    ["CONNECT /x HTTP/1.1\r\n\r\n", 405],
  ];
  for (const [text, status] of cases) {
    test(`${JSON.stringify(text.slice(0, 70))} with ${status}`, async () => {
      await start();
      expect(await statusOf(text)).toBe(status);
      expect(statuses).toEqual([status]);
    });
  }
  test("nothing that is random, without an exception", () => {
    for (let round = 0; round < 2000; round++) {
      const bytes = crypto.getRandomValues(new Uint8Array(1 + (round % 200)));
      const prefix = round % 2 === 0 ? "" : "GET / HTTP/1.1\r\n";
      const reader = httpReader(() => {});
      const read = reader.push(
        Buffer.concat([Buffer.from(prefix), bytes, Buffer.from("\r\n\r\n")]),
      );
      expect(read === undefined || "status" in read || read instanceof Request).toBe(true);
    }
  });
});

describe("lets go", () => {
  test("who sends a head or a body too slowly", async () => {
    await start({ limits: { requestMs: 100 } });
    const slow = (text: string) => talk(...text, ...new Array(2000).fill(""));
    expect(
      await Promise.all([
        talk(),
        slow("GET / HTTP/1.1\r\nA: "),
        talk("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"),
      ]),
    ).toEqual(["", "", ""]);
    expect(await statusOf("GET / HTTP/1.1\r\n\r\n")).toBe(200);
  });
  test("who does not take the answer", async () => {
    const answer = async () => new Response(new Uint8Array(8 << 20));
    await start({ limits: { replyMs: 100 }, answer });
    const connection = connect({ path: socket }, () => connection.write("GET / HTTP/1.1\r\n\r\n"));
    connection.on("error", () => {});
    connection.pause();
    while (listener?.connections() !== 1) await Bun.sleep(2);
    while (listener?.connections() !== 0) await Bun.sleep(2);
    connection.destroy();
  });
  test("the longest silent one when there are too many, and serves the others", async () => {
    let crowdedOut = 0;
    await start({ limits: { connections: 4 }, onCrowdedOut: () => crowdedOut++ });
    const idle = Array.from({ length: 40 }, () => talk());
    await Promise.all(idle.slice(0, 36));
    expect(await statusOf("GET / HTTP/1.1\r\n\r\n")).toBe(200);
    expect(crowdedOut).toBe(37);
  });
  test("its socket, at the end", async () => {
    await start();
    await listener?.close();
    expect(existsSync(socket)).toBe(false);
  });
});
