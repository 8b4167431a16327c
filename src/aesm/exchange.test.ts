// SPDX-License-Identifier: Apache-2.0
/** The client's side of the socket against peers of every kind. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { socketAddress, unixExchange } from "./exchange.ts";
import { encodeFrame } from "./frame.ts";

let folder: string;
let count = 0;
const servers: Server[] = [];
const timers: ReturnType<typeof setInterval>[] = [];
const open = new Set<Socket>();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aesm-exchange-"));
});
afterAll(() => {
  for (const timer of timers) clearInterval(timer);
  for (const socket of open) socket.destroy();
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A peer that does something once a request's first bytes have come. */
async function peer(act: (socket: Socket, request: Uint8Array) => void): Promise<string> {
  const path = join(folder, `${count++}.sock`);
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
    socket.once("data", (request: Uint8Array) => act(socket, request));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return path;
}

const request = Uint8Array.of(1, 2, 3);
const reply = Uint8Array.from({ length: 5000 }, (_, at) => at & 0xff);

function failure(exchange: Promise<Uint8Array>): Promise<unknown> {
  return exchange.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("replies", () => {
  test("at once, in the frame that the protocol says", async () => {
    let seen: Uint8Array | undefined;
    const socket = await peer((connection, bytes) => {
      seen = bytes;
      connection.end(encodeFrame(reply));
    });
    expect(await unixExchange({ socket })(request)).toEqual(reply);
    expect([...(seen ?? [])]).toEqual([3, 0, 0, 0, 1, 2, 3]);
  });
  test("in pieces", async () => {
    const frame = encodeFrame(reply);
    const socket = await peer((connection) => {
      let at = 0;
      const timer = setInterval(() => {
        connection.write(frame.subarray(at, at + 700));
        at += 700;
        if (at >= frame.length) clearInterval(timer);
      }, 1);
      timers.push(timer);
    });
    expect(await unixExchange({ socket })(request)).toEqual(reply);
  });
  test("and more than was asked for is left", async () => {
    const socket = await peer((connection) =>
      connection.write(Buffer.concat([encodeFrame(reply), reply])),
    );
    expect(await unixExchange({ socket })(request)).toEqual(reply);
  });
});

describe("failures", () => {
  const cases: readonly (readonly [string, (socket: Socket) => void, string])[] = [
    ["closes without a word", (socket) => socket.end(), "closed the connection without a reply"],
    ["closes within the length", (socket) => socket.end(Uint8Array.of(9, 0)), "within its reply"],
    [
      "closes within the message",
      (socket) => socket.end(Uint8Array.of(9, 0, 0, 0, 1)),
      "within its reply",
    ],
    [
      "announces 4 GiB",
      (socket) => socket.write(new Uint8Array(4).fill(255)),
      "a frame of 4294967295 bytes",
    ],
    ["announces nothing", (socket) => socket.write(new Uint8Array(4)), "a frame of no bytes"],
    ["is silent", () => {}, "no reply within 0.3 s"],
    [
      "sends a byte at a time",
      (socket) => {
        socket.write(Uint8Array.of(255, 0, 0, 0));
        timers.push(setInterval(() => socket.write(Uint8Array.of(0)), 20));
      },
      "the reply was not complete within 0.3 s",
    ],
  ];
  for (const [name, act, reason] of cases) {
    test(`a peer that ${name}`, async () => {
      const socket = await peer(act);
      const error = await failure(unixExchange({ socket, timeoutMs: 300 })(request));
      expect(error).toMatchObject({
        code: "AESM_PROTOCOL",
        message: expect.stringContaining(reason),
      });
    });
  }
  test("no socket, no listener, no socket at all", async () => {
    const missing = await failure(unixExchange({ socket: join(folder, "none") })(request));
    expect(missing).toMatchObject({
      code: "AESM_UNREACHABLE",
      reason: "there is no such socket",
      hint: expect.stringContaining("--aesm-socket"),
    });
    writeFileSync(join(folder, "file"), "");
    const refused = await failure(unixExchange({ socket: join(folder, "file") })(request));
    expect(refused).toMatchObject({ code: "AESM_UNREACHABLE", reason: "nobody listens on it" });
    const abstract = await failure(unixExchange({ socket: "@aesm-test-nobody" })(request));
    expect(abstract).toMatchObject({ code: "AESM_UNREACHABLE", reason: "nobody listens on it" });
  });
});

test("sockets as users write them", () => {
  expect(socketAddress("/run/a")).toBe("/run/a");
  expect(socketAddress("@name")).toBe("\0name");
  expect(socketAddress("@sgx_aesm_socket_base")).toBe(`\0sgx_aesm_socket_base${"\0".repeat(87)}`);
  expect(socketAddress(`@${"n".repeat(107)}`).length).toBe(108);
  for (const wrong of ["", "@", "/a\0b", `/${"n".repeat(107)}`, `@${"n".repeat(108)}`]) {
    expect(() => socketAddress(wrong)).toThrow(expect.objectContaining({ code: "USAGE" }));
  }
});
