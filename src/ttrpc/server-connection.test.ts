// SPDX-License-Identifier: Apache-2.0
import { expect, setDefaultTimeout, test } from "bun:test";
import { decode, encode } from "../protobuf/codec.ts";
import type { ServiceType } from "../protobuf/schema.ts";
import { Budget, connectionLimit } from "./budget.ts";
import { encodeFrame, type Frame, FrameReader, flags, frameTypes, headerBytes } from "./frame.ts";
import { KeyValue, Request, Response } from "./proto/ttrpc.gen.ts";
import { ServerConnection } from "./server-connection.ts";
import { type Handlers, implement } from "./service.ts";

setDefaultTimeout(60_000); // megabytes, perhaps on a busy machine

const Echo = {
  typeName: "test.Echo",
  methods: {
    Say: { request: KeyValue, response: KeyValue },
    Join: { request: KeyValue, response: KeyValue, streams: "client" },
    Count: { request: KeyValue, response: KeyValue, streams: "server" },
  },
} as const satisfies ServiceType;

/** A connection whose socket is this object, and what came out of it. */
function peer(handlers: Handlers<typeof Echo>, room = Number.POSITIVE_INFINITY) {
  const frames: Frame[] = [];
  const reader = new FrameReader((frame) => frames.push({ ...frame, data: frame.data.slice() }));
  const warnings: string[] = [];
  const state = { paused: false, terminated: false, room, frames, warnings };
  const budget = new Budget(connectionLimit);
  const connection = new ServerConnection({
    socket: {
      write: (bytes) => {
        const taken = Math.min(bytes.length, state.room);
        state.room -= taken;
        reader.push(bytes.subarray(0, taken));
        return taken;
      },
      pause: () => {
        state.paused = true;
      },
      resume: () => {
        state.paused = false;
      },
      terminate: () => {
        state.terminated = true;
      },
    },
    services: new Map([["test.Echo", implement(Echo, handlers)]]),
    budget,
    warn: (message) => warnings.push(message),
  });
  return { connection, state, budget };
}

function request(id: number, method = "Say", fields: object = {}, set = 0): Uint8Array {
  const bytes = encode(Request, { service: "test.Echo", method, ...fields });
  return encodeFrame(id, frameTypes.request, set, bytes);
}

function data(id: number, set: number, key?: string): Uint8Array {
  return encodeFrame(
    id,
    frameTypes.data,
    set,
    key === undefined ? undefined : encode(KeyValue, { key }),
  );
}

/** Stream, code and message of each response, in order. */
function answers(frames: readonly Frame[]): string[] {
  return frames.map(({ streamId, type, flags, data }) => {
    if (type === frameTypes.data) return `${streamId} data ${flags}`;
    const { status, payload } = decode(Response, data);
    const { value } = decode(KeyValue, payload);
    return `${streamId} ${status?.code ?? 0} ${status?.message ?? value}`;
  });
}

const echo: Handlers<typeof Echo> = { Say: async ({ key }) => ({ value: key }) };
const payload = encode(KeyValue, { key: "k" });

async function exchange(
  handlers: Handlers<typeof Echo>,
  ...chunks: readonly Uint8Array[]
): Promise<string[]> {
  const { connection, state } = peer(handlers);
  for (const chunk of chunks) connection.push(chunk);
  await connection.idle();
  return answers(state.frames);
}

test("an even stream, one used before and one that is less are refused", async () => {
  expect(
    await exchange(
      echo,
      request(2),
      request(5, "Say", { payload }),
      request(5),
      request(3),
      request(7, "Say", { payload }),
    ),
  ).toEqual(
    expect.arrayContaining([
      "2 3 StreamID must be odd for client initiated streams",
      "5 3 StreamID cannot be re-used and must increment",
      "3 3 StreamID cannot be re-used and must increment",
      "5 0 k",
      "7 0 k",
    ]),
  );
});

test("frames of unknown types are passed over", async () => {
  const strange = encodeFrame(1, 9, 0xff, Uint8Array.of(1, 2, 3));
  const response = encodeFrame(1, frameTypes.response, 0);
  expect(await exchange(echo, strange, response, request(1, "Say", { payload }))).toEqual([
    "1 0 k",
  ]);
});

test("a frame that is too long is passed over, and refused behind its last byte", async () => {
  const { connection, state } = peer(echo);
  const header = new Uint8Array(headerBytes);
  const length = (4 << 20) + 1;
  new DataView(header.buffer).setUint32(0, length);
  header.set([0, 0, 0, 1, frameTypes.request], 4);
  connection.push(header);
  for (let sent = 0; sent < length - 1; sent += 1 << 20) connection.push(new Uint8Array(1 << 20));
  await connection.idle();
  expect(state.frames).toEqual([]);
  connection.push(Uint8Array.of(0));
  connection.push(request(1, "Say", { payload }));
  await Bun.sleep(0);
  await connection.idle();
  expect(answers(state.frames)).toEqual([
    "1 8 message length 4194305 exceed maximum message size of 4194304",
    "1 0 k",
  ]);
});

test("a request and a payload that are no messages are refused with different codes", async () => {
  const broken = encodeFrame(1, frameTypes.request, 0, Uint8Array.of(0x0a, 0x7f));
  const [outer, inner] = await exchange(
    echo,
    broken,
    request(3, "Say", { payload: Uint8Array.of(0x0a, 0x7f) }),
  );
  expect(outer).toStartWith("1 3 unmarshal request error:");
  expect(inner).toStartWith("3 13 ttrpc: error unmarshalling payload:");
});

test("data belongs to an open stream", async () => {
  expect(await exchange(echo, data(1, 0, "a"))).toEqual(["1 3 StreamID is no longer active"]);
  const never: Handlers<typeof Echo> = { Say: () => new Promise(() => {}) };
  expect(await exchange(never, request(1), data(1, 0, "a"))).toEqual([
    "1 3 data handling error: the call has no stream",
  ]);
  const join: Handlers<typeof Echo> = { Join: () => new Promise(() => {}) };
  expect(
    await exchange(join, request(1, "Join"), data(1, flags.remoteClosed, "a"), data(1, 0, "b")),
  ).toEqual(["1 3 data handling error: the stream is closed"]);
});

test("an empty message and no message are told apart", async () => {
  const Join = async (requests: AsyncIterable<KeyValue>) => {
    let count = 0;
    for await (const _ of requests) count++;
    return { value: String(count) };
  };
  const end = data(1, flags.remoteClosed | flags.noData);
  expect(await exchange({ Join }, request(1, "Join"), data(1, 0), data(1, 0), end)).toEqual([
    "1 0 2",
  ]);
  expect(await exchange({ Join }, request(1, "Join"), data(1, flags.remoteClosed))).toEqual([
    "1 0 1",
  ]);
});

test("a stream of the server's ends with a frame that is no message", async () => {
  const Count = async function* () {
    yield { value: "1" };
  };
  expect(await exchange({ Count }, request(1, "Count"))).toEqual(["1 data 0", "1 data 5"]);
});

test("a handler that succeeds behind its deadline has succeeded; a negative one is over", async () => {
  const Say: Handlers<typeof Echo>["Say"] = async (_, { signal }) => {
    while (!signal.aborted) await Bun.sleep(1);
    return { value: signal.reason.message };
  };
  for (const timeoutNano of [1_000_000n, -5n]) {
    expect(await exchange({ Say }, request(1, "Say", { timeoutNano }))).toEqual([
      "1 0 deadline exceeded",
    ]);
  }
});

test("nothing is read while the peer does not read, and one who never does is left", async () => {
  const value = "x".repeat(1 << 20);
  const { connection, state } = peer({ Say: async () => ({ value }) }, 1000);
  for (let id = 1; id <= 5; id += 2) connection.push(request(id));
  while (!state.paused) await Bun.sleep(0);
  state.room = Number.POSITIVE_INFINITY;
  connection.drained();
  await connection.idle();
  expect<boolean>(state.paused).toBe(false);
  expect(state.frames).toHaveLength(3);
  state.room = 0;
  for (let id = 7; id < 7 + 2 * 70; id += 2) connection.push(request(id));
  while (!state.terminated) await Bun.sleep(0);
  expect(state.warnings.join()).toContain("does not read");
});

test("the budget is given back, whatever a call's end", async () => {
  const { connection, budget } = peer({
    Say: async ({ key }) => {
      if (key === "k") throw new Error("no");
      return {};
    },
    Join: () => new Promise<KeyValue>(() => {}),
  });
  for (let id = 1; id < 40; id += 2)
    connection.push(request(id, "Say", id % 4 === 1 ? { payload } : {}));
  connection.push(request(41, "Join"));
  connection.push(data(41, flags.remoteClosed));
  connection.push(data(41, 0, "behind the end"));
  await connection.idle();
  expect(budget.requests).toBe(0);
});

test("a connection that has ended holds nothing against others, and begins nothing more", async () => {
  let begun = 0;
  const { connection, budget, state } = peer({
    Say: () => {
      begun++;
      return new Promise<KeyValue>(() => {});
    },
  });
  connection.push(request(1));
  expect(budget.requests).toBe(1);
  connection.ended();
  expect(budget.requests).toBe(0);
  connection.push(request(3));
  expect(begun).toBe(1);
  expect(state.frames).toEqual([]);
});

/** A small generator with a seed, so that a failure can be had again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test("no bytes and no pieces of them do more than end calls", async () => {
  const handlers: Handlers<typeof Echo> = {
    ...echo,
    Join: async (requests) => {
      for await (const _ of requests);
      return {};
    },
    async *Count() {
      yield {};
    },
  };
  for (let seed = 1; seed <= 300; seed++) {
    const next = random(seed);
    const { connection, budget } = peer(handlers);
    const methods = ["Say", "Join", "Count", "None"] as const;
    for (let index = 0; index < 40; index++) {
      const id = Math.floor(next() * 60);
      const method = methods[Math.floor(next() * methods.length)] ?? "Say";
      const bytes =
        next() < 0.5 ? request(id, method, { payload }) : data(id, Math.floor(next() * 8), "k");
      if (next() < 0.3) bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256);
      // A length that a flipped bit has made huge would swallow the rest.
      if (next() < 0.9) bytes.set([0, 0], 0);
      const cut = Math.floor(next() * bytes.length);
      connection.push(bytes.subarray(0, cut));
      connection.push(bytes.subarray(cut));
    }
    await Bun.sleep(0);
    connection.ended();
    while (budget.requests > 0) await Bun.sleep(0);
  }
});
