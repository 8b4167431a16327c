// SPDX-License-Identifier: Apache-2.0
/** The service's side of the socket: its limits, and that nothing is left. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unixExchange } from "./exchange.ts";
import { encodeFrame } from "./frame.ts";
import { type Listener, type ListenOptions, listen } from "./listener.ts";

let folder: string;
let count = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aesm-listener-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const echo = async (message: Uint8Array) => message;
const message = Uint8Array.of(5, 6, 7);

async function withListener(
  options: Partial<ListenOptions> & { readonly socket?: string },
  body: (socket: string, listener: Listener) => Promise<void>,
): Promise<void> {
  const socket = options.socket ?? join(folder, `${count++}.sock`);
  const listener = await listen({ answer: echo, ...options, socket });
  try {
    await body(socket, listener);
  } finally {
    await listener.close();
  }
}

/** All that a peer sends until it closes, after it was sent something. */
function talk(socket: string, act: (connection: Socket) => void): Promise<Uint8Array> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    const connection = connect({ path: socket, allowHalfOpen: true }, () => act(connection));
    connection.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    connection.on("error", () => {});
    const end = () => {
      connection.destroy();
      resolve(new Uint8Array(Buffer.concat(chunks)));
    };
    connection.on("end", end);
    connection.on("close", end);
  });
}

/** Waits for what must come true; a test that fails here runs into the test's own time limit. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(5);
}

describe("answers", () => {
  test("on a path, which it removes", async () => {
    let path = "";
    await withListener({}, async (socket) => {
      path = socket;
      expect(statSync(socket).mode & 0o777).toBe(0o666);
      expect(await unixExchange({ socket })(message)).toEqual(message);
    });
    expect(existsSync(path)).toBe(false);
  });
  test("on abstract names, short and long", async () => {
    for (const socket of [
      `@aesm-test-${process.pid}`,
      `@aesm-test-${process.pid}${"x".repeat(80)}`,
    ]) {
      await withListener({ socket }, async () => {
        expect(await unixExchange({ socket })(message)).toEqual(message);
      });
    }
  });
  test("a client that has shut its side, and one that sends byte by byte", async () => {
    await withListener({}, async (socket) => {
      const frame = encodeFrame(message);
      expect(await talk(socket, (connection) => connection.end(frame))).toEqual(frame);
      const slowly = async (connection: Socket) => {
        for (const byte of frame) {
          connection.write(Uint8Array.of(byte));
          await Bun.sleep(2);
        }
      };
      expect(await talk(socket, slowly)).toEqual(frame);
    });
  });
  test("one request a connection", async () => {
    let asked = 0;
    const answer = async (request: Uint8Array) => {
      asked++;
      return request;
    };
    await withListener({ answer }, async (socket) => {
      const two = Buffer.concat([encodeFrame(message), encodeFrame(message)]);
      expect(await talk(socket, (connection) => connection.write(two))).toEqual(
        encodeFrame(message),
      );
    });
    expect(asked).toBe(1);
  });
});

describe("ends a connection", () => {
  const nothing = new Uint8Array();
  const cases: readonly (readonly [string, (connection: Socket) => void])[] = [
    ["after a frame that is too long", (connection) => connection.write(Uint8Array.of(0, 0, 1, 1))],
    ["after a frame of nothing", (connection) => connection.write(new Uint8Array(4))],
    [
      "that ends in the middle of a frame",
      (connection) => connection.end(Uint8Array.of(3, 0, 0, 0, 1)),
    ],
    ["that is silent", () => {}],
    ["that is too slow", (connection) => connection.write(Uint8Array.of(3, 0, 0, 0, 1))],
  ];
  for (const [name, act] of cases) {
    test(name, async () => {
      await withListener({ limits: { requestMs: 200 } }, async (socket, listener) => {
        expect(await talk(socket, act)).toEqual(nothing);
        await until(() => listener.connections() === 0);
      });
    });
  }
  test("whose request nobody understands", async () => {
    const answer = () => Promise.reject(new Error("no"));
    await withListener({ answer }, async (socket) => {
      expect(await talk(socket, (connection) => connection.write(encodeFrame(message)))).toEqual(
        nothing,
      );
    });
  });
  test("that does not take its reply", async () => {
    const answer = async () => new Uint8Array(8 << 20); // more than a socket holds
    await withListener({ answer, limits: { replyMs: 200 } }, async (socket, listener) => {
      const connection = connect({ path: socket }, () => connection.write(encodeFrame(message)));
      connection.on("error", () => {});
      connection.pause();
      await until(() => listener.connections() === 1);
      await until(() => listener.connections() === 0);
      connection.destroy();
    });
  });
  test("that is silent for longest, when there is one too many", async () => {
    let crowdedOut = 0;
    const limits = { connections: 2 };
    await withListener({ limits, onCrowdedOut: () => crowdedOut++ }, async (socket, listener) => {
      const first = talk(socket, () => {});
      await until(() => listener.connections() === 1);
      const second = connect({ path: socket });
      await until(() => listener.connections() === 2);
      expect(await unixExchange({ socket })(message)).toEqual(message);
      expect(await first).toEqual(nothing);
      await until(() => listener.connections() === 1);
      expect([crowdedOut, second.destroyed]).toEqual([1, false]);
      second.destroy();
    });
  });
  test("that is one too many while all others are being answered, and serves again then", async () => {
    const answers: (() => void)[] = [];
    const answer = (request: Uint8Array) =>
      new Promise<Uint8Array>((resolve) => answers.push(() => resolve(request)));
    await withListener({ limits: { connections: 2 }, answer }, async (socket, listener) => {
      const waiting = [unixExchange({ socket })(message), unixExchange({ socket })(message)];
      await until(() => answers.length === 2);
      const third = unixExchange({ socket })(message);
      expect(third).rejects.toMatchObject({ code: "AESM_PROTOCOL" });
      await third.catch(() => {});
      for (const give of answers) give();
      expect(await Promise.all(waiting)).toEqual([message, message]);
      await until(() => listener.connections() === 0);
    });
  });
});

describe("the place of the socket", () => {
  test("is taken from a service that died", async () => {
    const socket = join(folder, "dead.sock");
    const source = `require("node:net").createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 9));`;
    await Bun.spawn([process.execPath, "-e", source]).exited;
    expect(existsSync(socket)).toBe(true);
    await withListener({ socket }, async () => {
      expect(await unixExchange({ socket })(message)).toEqual(message);
    });
  });
  test("is not taken from one that lives, nor from a file", async () => {
    await withListener({}, async (socket) => {
      expect(listen({ socket, answer: echo })).rejects.toMatchObject({ code: "SYSCALL" });
      await listen({ socket, answer: echo }).catch(() => {});
      expect(await unixExchange({ socket })(message)).toEqual(message);
    });
    const file = join(folder, "file");
    writeFileSync(file, "kept");
    await listen({ socket: file, answer: echo }).then(
      () => expect.unreachable(),
      (error: unknown) => expect(error).toMatchObject({ code: "SYSCALL" }),
    );
    expect(existsSync(file)).toBe(true);
  });
  test("is left when it ends, if it is another's by then", async () => {
    const socket = join(folder, "taken.sock");
    const listener = await listen({ socket, answer: echo });
    rmSync(socket);
    writeFileSync(socket, "systemd's");
    await listener.close();
    expect(existsSync(socket)).toBe(true);
  });
});
