// SPDX-License-Identifier: Apache-2.0
/** The socket under abuse: everybody who keeps to the protocol is served all the while. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Fd } from "../kernel/kernel.ts";
import { plannerCalls } from "../kernel/planner-calls.ts";
import { type Listening, type ListenOptions, listen } from "./listener.ts";

let folder = "";
let listening: Listening | undefined;
const socket = () => join(folder, "socket");

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "platform-listener-"));
});
afterEach(() => {
  listening?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Answers four bytes with twice the same. */
function start(changes: Partial<ListenOptions> = {}): void {
  listening = listen({
    socket: socket(),
    mode: 0o666,
    maxBytes: 8,
    answer: (bytes) => {
      if (bytes[0] === 0xff) throw new Error("no message");
      return bytes.length < 4 ? undefined : Buffer.concat([bytes, bytes]);
    },
    peerPid: (fd) => plannerCalls.peerPid(fd as Fd),
    ...changes,
  });
}

/** What comes until the end of the connection. The queue of a socket may be full for a moment. */
async function talk(...chunks: readonly Uint8Array[]): Promise<string> {
  for (;;) {
    try {
      return await talkOnce(chunks);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ECONNREFUSED"))
        throw error;
      await Bun.sleep(10);
    }
  }
}

function talkOnce(chunks: readonly Uint8Array[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let got = "";
    Bun.connect({
      unix: socket(),
      socket: {
        open: async (connection) => {
          for (const chunk of chunks) {
            connection.write(chunk);
            await Bun.sleep(5);
          }
        },
        data: (_, chunk) => {
          got += Buffer.from(chunk).toString("hex");
        },
        close: () => resolve(got),
        connectError: (_, error) => reject(error),
      },
    }).catch(reject);
  });
}

const message = Uint8Array.of(1, 2, 3, 4);

test("one message, one answer, whole or in pieces; the answer knows who asks", async () => {
  const pids: number[] = [];
  start({
    answer: (bytes, { pid }) => {
      pids.push(pid);
      return bytes.length < 4 ? undefined : bytes;
    },
  });
  expect(await talk(message)).toBe("01020304");
  expect(await talk(message.subarray(0, 1), message.subarray(1))).toBe("01020304");
  expect(new Set(pids)).toEqual(new Set([process.pid]));
  expect(statSync(socket()).mode & 0o777).toBe(0o666);
});

test("what is no message, or too long, gets no answer", async () => {
  start();
  expect(await talk(Uint8Array.of(0xff))).toBe("");
  expect(await talk(new Uint8Array(9))).toBe("");
  expect(await talk(message)).toBe("0102030401020304");
});

test("who is slow, or says nothing, is let go", async () => {
  start({ patienceMs: 60 });
  const began = performance.now();
  const dripping = talk(Uint8Array.of(1), ...new Array(100).fill(new Uint8Array()));
  expect(await Promise.all([talk(), dripping])).toEqual(["", ""]);
  expect(performance.now() - began).toBeGreaterThan(50);
  expect(await talk(message)).toBe("0102030401020304");
  expect(listening?.connections()).toBe(0);
});

test("beyond the limit of connections the longest silent one makes room", async () => {
  let crowdedOut = 0;
  start({ connections: 10, onCrowdedOut: () => crowdedOut++ });
  const ended: number[] = [];
  const idle = Array.from({ length: 10 }, (_, i) => talk().then(() => ended.push(i)));
  while (listening?.connections() !== 10) await Bun.sleep(2);
  expect(await talk(message)).toBe("0102030401020304");
  await idle[0];
  expect([crowdedOut, ended, listening?.connections()]).toEqual([1, [0], 9]);
});

test("whoever waits for an answer is not the one who makes room", async () => {
  const long = new Uint8Array(4 << 20).fill(7);
  start({ connections: 1, answer: () => long });
  const answered = Promise.withResolvers<void>();
  const waits = await Bun.connect({
    unix: socket(),
    socket: {
      open: (connection) => void connection.write(message),
      data: (connection) => {
        connection.pause();
        answered.resolve();
      },
    },
  });
  await answered.promise;
  expect(await talk(message)).toBe("");
  waits.terminate();
});

test("what is at its place when it ends is left, if it is another's", async () => {
  start();
  rmSync(socket());
  writeFileSync(socket(), "systemd's");
  listening?.close();
  expect(readFileSync(socket(), "utf8")).toBe("systemd's");
});

test("a thousand at once are all answered", async () => {
  start();
  const answers = await Promise.all(Array.from({ length: 1000 }, () => talk(message)));
  expect(new Set(answers)).toEqual(new Set(["0102030401020304"]));
  expect(listening?.connections()).toBe(0);
});

test("an answer longer than the socket takes at once comes whole", async () => {
  const long = new Uint8Array(4 << 20).fill(7);
  start({ answer: () => long });
  expect(await talk(message)).toBe("07".repeat(4 << 20));
});

test("nothing is left of it; a socket that a killed one has left is replaced", async () => {
  start();
  listening?.close();
  expect(existsSync(socket())).toBe(false);
  Bun.spawnSync(["python3", "-c", `import socket; socket.socket(1).bind("${socket()}")`]);
  start();
  expect(await talk(message)).toBe("0102030401020304");
});
