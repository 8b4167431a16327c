// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServiceType } from "../protobuf/schema.ts";
import { type Client, connect } from "./client.ts";
import { KeyValue } from "./proto/ttrpc.gen.ts";
import { type ServeOptions, type Server, serve } from "./server.ts";
import { type Handlers, implement } from "./service.ts";
import { codes, StatusError } from "./status.ts";

setDefaultTimeout(60_000); // megabytes and thousands, perhaps on a busy machine

const Echo = {
  typeName: "test.Echo",
  methods: {
    Say: { request: KeyValue, response: KeyValue },
    Count: { request: KeyValue, response: KeyValue, streams: "server" },
    Join: { request: KeyValue, response: KeyValue, streams: "client" },
    Both: { request: KeyValue, response: KeyValue, streams: "both" },
  },
} as const satisfies ServiceType;

let folder = "";
let server: Server | undefined;
let clients: Client[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ttrpc-test-"));
});

afterEach(async () => {
  for (const client of clients) client.close();
  clients = [];
  await server?.close();
  server = undefined;
  rmSync(folder, { recursive: true });
});

async function pair(
  handlers: Handlers<typeof Echo>,
  options: Partial<ServeOptions> = {},
): Promise<Client> {
  const address = `unix://${folder}/s`;
  server = serve({ address, services: [implement(Echo, handlers)], ...options });
  const client = await connect(address);
  clients.push(client);
  return client;
}

async function failure(call: Promise<unknown>): Promise<string> {
  try {
    return `answered ${JSON.stringify(await call)}`;
  } catch (error) {
    return error instanceof StatusError ? `${error.code} ${error.message}` : String(error);
  }
}

test("a call is answered; the socket is its owner's alone", async () => {
  const client = await pair({ Say: async ({ key }) => ({ key, value: `${key}!` }) });
  expect(await client.call(Echo, "Say", { key: "a" })).toEqual({ key: "a", value: "a!" });
  expect(await client.call(Echo, "Say", {})).toEqual({ key: "", value: "!" });
  expect(statSync(join(folder, "s")).mode & 0o777).toBe(0o600);
  expect(client.callsInFlight()).toBe(0);
  expect(server?.requestsInFlight()).toBe(0);
});

test("what a handler throws reaches the client, with code and details", async () => {
  const details = [{ typeUrl: "type.x/y", value: Uint8Array.of(1, 2) }];
  const client = await pair({
    Say: async ({ key }) => {
      if (key === "plain") throw new Error("boom");
      throw new StatusError(codes.NOT_FOUND, "no such thing", details);
    },
  });
  expect(await failure(client.call(Echo, "Say", { key: "plain" }))).toBe("2 boom");
  const error: unknown = await client.call(Echo, "Say", {}).catch((thrown) => thrown);
  expect(error).toMatchObject({ code: 5, message: "no such thing", details });
});

test("unknown services and methods are said to be", async () => {
  const client = await pair({});
  expect(await failure(client.call(Echo, "Say", {}))).toBe("12 method Say");
  const other = { ...Echo, typeName: "test.Other" };
  expect(await failure(client.call(other, "Say", {}))).toBe("12 service test.Other");
});

test("metadata arrives, also a key that comes twice", async () => {
  const client = await pair({
    Say: async (_, { metadata }) => ({
      value: metadata.map(({ key, value }) => `${key}=${value}`).join(),
    }),
  });
  const metadata = [
    { key: "namespace", value: "a" },
    { key: "namespace", value: "b" },
  ];
  const answer = await client.call(Echo, "Say", {}, { metadata });
  expect(answer.value).toBe("namespace=a,namespace=b");
});

test("a deadline ends the call on both sides", async () => {
  const reason = Promise.withResolvers<unknown>();
  const client = await pair({
    Say: (_, { signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          reason.resolve(signal.reason);
          reject(signal.reason);
        });
      }),
  });
  const late = await failure(client.call(Echo, "Say", {}, { timeoutMs: 20 }));
  expect(late).toBe("4 deadline exceeded");
  expect(await reason.promise).toMatchObject({ code: codes.DEADLINE_EXCEEDED });
  expect(await failure(client.call(Echo, "Say", {}, { timeoutMs: -1 }))).toStartWith("4 ");
});

test("an aborted call is forgotten, and its answer dropped", async () => {
  const go = Promise.withResolvers<void>();
  const client = await pair({
    Say: async ({ key }) => {
      if (key === "slow") await go.promise;
      return { value: key };
    },
  });
  const controller = new AbortController();
  const call = failure(client.call(Echo, "Say", { key: "slow" }, { signal: controller.signal }));
  controller.abort();
  expect(await call).toBe("1 the call was aborted");
  expect(await failure(client.call(Echo, "Say", {}, { signal: controller.signal }))).toStartWith(
    "1",
  );
  go.resolve();
  expect(await client.call(Echo, "Say", { key: "next" })).toMatchObject({ value: "next" });
});

test("the end of the connection cancels its calls, and fails them at the client", async () => {
  const cancelled = Promise.withResolvers<unknown>();
  const begun = Promise.withResolvers<void>();
  const client = await pair({
    Say: (_, { signal }) => {
      begun.resolve();
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          cancelled.resolve(signal.reason);
          reject(signal.reason);
        });
      });
    },
  });
  const call = failure(client.call(Echo, "Say", {}));
  await begun.promise;
  client.close();
  expect(await call).toBe("14 the connection has ended");
  expect(await cancelled.promise).toMatchObject({ code: codes.CANCELLED });
  await client.closed;
  expect(await failure(client.call(Echo, "Say", {}))).toStartWith("14 ");
  while (server?.requestsInFlight() !== 0) await Bun.sleep(1);
});

test("ten thousand requests are in flight at once, and each gets its own answer", async () => {
  const go = Promise.withResolvers<void>();
  const client = await pair({
    Say: async ({ key }) => {
      await go.promise;
      return { key, value: "x".repeat(100) };
    },
  });
  const keys = Array.from({ length: 10_000 }, (_, index) => String(index));
  const answers = keys.map((key) => client.call(Echo, "Say", { key }));
  while (server?.requestsInFlight() !== keys.length) await Bun.sleep(1);
  go.resolve();
  const got = (await Promise.all(answers)).map(({ key }) => key);
  expect(got).toEqual(keys);
  expect(server.requestsInFlight()).toBe(0);
});

test("beyond the limit a request is refused, and the others go on", async () => {
  const go = Promise.withResolvers<void>();
  const limits = { connection: { requests: 3, bytes: 1 << 20 } };
  const handler = async () => {
    await go.promise;
    return { value: "done" };
  };
  const client = await pair({ Say: handler }, { limits });
  const calls = Array.from({ length: 5 }, () => failure(client.call(Echo, "Say", {})));
  expect(await Promise.all(calls.slice(3))).toEqual(
    new Array(2).fill("8 too many requests at once"),
  );
  go.resolve();
  for (const call of calls.slice(0, 3)) expect(await call).toContain("done");
});

test("messages of four megabytes pass, larger ones fail their own call only", async () => {
  const client = await pair({
    Say: async ({ key, value }) => ({ value: key === "grow" ? "y".repeat(5 << 20) : value }),
  });
  const value = "z".repeat((4 << 20) - 100);
  const answers = [0, 1, 2].map(() => client.call(Echo, "Say", { value }));
  for (const answer of await Promise.all(answers)) expect(answer.value.length).toBe(value.length);
  expect(await failure(client.call(Echo, "Say", { key: "grow" }))).toMatch(
    /^8 message length \d+ exceed maximum message size of 4194304$/,
  );
  const larger = "z".repeat(4 << 20);
  expect(await failure(client.call(Echo, "Say", { value: larger }))).toStartWith(
    "8 message length",
  );
  expect(await client.call(Echo, "Say", { value: "ok" })).toMatchObject({ value: "ok" });
});

test("streams go either way and both", async () => {
  const client = await pair({
    async *Count({ key }) {
      for (let index = 0; index < Number(key); index++) yield { value: String(index) };
    },
    Join: async (requests) => {
      let value = "";
      for await (const { key } of requests) value += key;
      return { value };
    },
    async *Both(requests) {
      for await (const { key } of requests) yield { value: `${key}${key}` };
    },
  });
  const values = async (messages: AsyncIterable<KeyValue>) => {
    const found: string[] = [];
    for await (const { value } of messages) found.push(value);
    return found;
  };
  expect(await values(client.stream(Echo, "Count", { key: "3" }))).toEqual(["0", "1", "2"]);
  expect(await values(client.stream(Echo, "Count", {}))).toEqual([]);
  const join = client.stream(Echo, "Join");
  for (const key of ["a", "b", "c"]) await join.send({ key });
  join.end();
  expect(await values(join)).toEqual(["abc"]);
  const both = client.stream(Echo, "Both", { key: "1" });
  await both.send({ key: "2" });
  both.end();
  expect(await values(both)).toEqual(["11", "22"]);
  expect(client.callsInFlight()).toBe(0);
});

test("a stream's error ends it at the client, and a client that leaves ends its handler", async () => {
  const left = Promise.withResolvers<void>();
  const client = await pair({
    async *Count({ key }, { signal }) {
      yield { value: "first" };
      if (key === "fail") throw new StatusError(codes.DATA_LOSS, "lost");
      signal.addEventListener("abort", () => left.resolve());
      await left.promise;
    },
  });
  const failing = client.stream(Echo, "Count", { key: "fail" })[Symbol.asyncIterator]();
  expect(await failing.next()).toMatchObject({ value: { value: "first" } });
  expect(await failure(failing.next())).toBe("15 lost");
  const leaving = client.stream(Echo, "Count", {})[Symbol.asyncIterator]();
  await leaving.next();
  client.close();
  await left.promise;
  expect(await failure(leaving.next())).toStartWith("14 ");
});

test("a fast sender of a stream is slowed down, and loses nothing", async () => {
  const client = await pair({
    Join: async (requests) => {
      let count = 0;
      for await (const _ of requests) if (++count % 50 === 0) await Bun.sleep(1);
      return { value: String(count) };
    },
  });
  const stream = client.stream(Echo, "Join");
  const value = "v".repeat(2000);
  for (let index = 0; index < 2000; index++) await stream.send({ value });
  stream.end();
  for await (const answer of stream) expect(answer.value).toBe("2000");
});

test("a handler that takes nothing loses its stream, not the connection", async () => {
  const client = await pair({
    Join: async (_, { signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return {};
    },
    Say: async () => ({ value: "alive" }),
  });
  const stream = client.stream(Echo, "Join");
  for (let index = 0; index < 200; index++) await stream.send({ key: "k" });
  const answer = stream[Symbol.asyncIterator]().next();
  expect(await failure(answer)).toBe("8 the stream is full");
  expect(await client.call(Echo, "Say", {})).toMatchObject({ value: "alive" });
});

test("close waits for answers when it is told to", async () => {
  const client = await pair({
    Say: async () => {
      await Bun.sleep(20);
      return { value: "late" };
    },
  });
  const call = client.call(Echo, "Say", {});
  while (server?.requestsInFlight() !== 1) await Bun.sleep(1);
  await server.close(10_000);
  expect(await call).toMatchObject({ value: "late" });
  await client.closed;
});

test("an address that nobody serves, or that is none, is an error that says so", async () => {
  await expect(connect(`${folder}/none`)).rejects.toThrow(`connect to \`${folder}/none\``);
  await expect(connect("tcp://x")).rejects.toThrow("no absolute path");
  await expect(connect(`/${"x".repeat(107)}`)).rejects.toThrow("more than 107 bytes");
  expect(() => serve({ address: `${folder}/no/dir`, services: [] })).toThrow("listen on");
});
