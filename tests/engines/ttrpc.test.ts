// SPDX-License-Identifier: Apache-2.0
/**
 * src/ttrpc against containerd's own server, the endpoint where shims leave their events; and our server
 * beside it, given the same bytes.
 */
import { expect } from "bun:test";
import { decode, encode } from "../../src/protobuf/codec.ts";
import { TaskExit, TaskOOM } from "../../src/shim/proto/events.gen.ts";
import { Events, ForwardRequest } from "../../src/shim/proto/events-service.gen.ts";
import { connect } from "../../src/ttrpc/client.ts";
import { encodeFrame, FrameReader, frameTypes, headerBytes } from "../../src/ttrpc/frame.ts";
import { Request, Response } from "../../src/ttrpc/proto/ttrpc.gen.ts";
import { serve } from "../../src/ttrpc/server.ts";
import { implement } from "../../src/ttrpc/service.ts";
import { eventually } from "../support/command.ts";
import { addressOf, Containerd } from "../support/engines/containerd.ts";
import { engineObstacle, shared } from "../support/engines/shared.ts";
import { needs } from "../support/runtime.ts";

const test = needs(engineObstacle("containerd", "ctr", "ip"));
const engine = shared(() => Containerd.start());
const endpoint = (containerd: Containerd) => `${addressOf(containerd.host)}.ttrpc`;

function envelope(namespace: string, topic: string, event: { typeUrl: string; value: Uint8Array }) {
  const timestamp = { seconds: BigInt(Math.floor(Date.now() / 1000)), nanos: 0 };
  return { envelope: { timestamp, namespace, topic, event } };
}

function oom(containerId: string) {
  const event = { typeUrl: TaskOOM.typeName, value: encode(TaskOOM, { containerId }) };
  return envelope("interop", "/tasks/oom", event);
}

test("containerd takes our events, and tells its listeners what was in them", async () => {
  const containerd = await engine();
  const listener = containerd.begin("--namespace", "interop", "events");
  const client = await connect(endpoint(containerd));
  try {
    const exit = {
      containerId: "one",
      id: "two",
      pid: 4_000_000_000,
      exitStatus: 137,
      exitedAt: { seconds: 1_700_000_000n, nanos: 5 },
    };
    const event = { typeUrl: TaskExit.typeName, value: encode(TaskExit, exit) };
    await eventually("the listener has heard of it", async () => {
      await client.call(Events, "Forward", envelope("interop", "/tasks/exit", event));
      return listener.stdout().includes("/tasks/exit");
    });
    const line = listener.stdout().split("\n")[0] ?? "";
    expect(line).toContain(" interop /tasks/exit ");
    expect(JSON.parse(line.slice(line.indexOf("{")))).toEqual({
      container_id: "one",
      id: "two",
      pid: 4_000_000_000,
      exit_status: 137,
      exited_at: "2023-11-14T22:13:20.000000005Z",
    });
  } finally {
    client.close();
    listener.kill("SIGTERM");
    await listener.exited();
  }
});

test("two thousand calls at once are all answered", async () => {
  const containerd = await engine();
  const client = await connect(endpoint(containerd));
  try {
    const calls = Array.from({ length: 2000 }, (_, index) =>
      client.call(Events, "Forward", oom(`many-${index}`), { timeoutMs: 600_000 }),
    );
    expect(client.callsInFlight()).toBe(2000);
    for (const answer of await Promise.all(calls)) expect(answer).toEqual({});
  } finally {
    client.close();
  }
});

test("what containerd refuses arrives as status; the connection lives on", async () => {
  const containerd = await engine();
  const client = await connect(endpoint(containerd));
  try {
    // An event without a topic is no event.
    const nameless = envelope("interop", "", {
      typeUrl: TaskOOM.typeName,
      value: new Uint8Array(),
    });
    await expect(client.call(Events, "Forward", nameless)).rejects.toMatchObject({
      name: "StatusError",
      message: expect.stringContaining("topic"),
    });
    const unknown = { ...Events, typeName: "no.such.Service" };
    await expect(client.call(unknown, "Forward", {})).rejects.toMatchObject({ code: 12 });
    expect(await client.call(Events, "Forward", oom("after"))).toEqual({});
  } finally {
    client.close();
  }
});

function request(service: string, method: string, payload: Uint8Array): Uint8Array {
  return encode(Request, { service, method, payload });
}

const forward = (id: number) => {
  const payload = encode(ForwardRequest, oom("same"));
  const bytes = request(Events.typeName, "Forward", payload);
  return encodeFrame(id, frameTypes.request, 0, bytes);
};

function oversize(id: number): Uint8Array {
  const length = (4 << 20) + 1;
  const frame = new Uint8Array(headerBytes + length);
  frame.set(encodeFrame(id, frameTypes.request, 0));
  new DataView(frame.buffer).setUint32(0, length);
  return frame;
}

/**
 * Each request has an answer. Numbers that do not grow are not among them: containerd 1.6
 * (ttrpc 1.1) takes them, 1.7 (ttrpc 1.2) does not; that is in src/ttrpc/server-connection.test.ts.
 */
const conversations: Readonly<Record<string, readonly Uint8Array[]>> = {
  "an even stream": [forward(2), forward(3)],
  "an unknown service": [encodeFrame(1, 1, 0, request("a.B", "C", new Uint8Array())), forward(3)],
  "an unknown method": [
    encodeFrame(1, 1, 0, request(Events.typeName, "C", new Uint8Array())),
    forward(3),
  ],
  "no protocol buffer": [encodeFrame(1, 1, 0, Uint8Array.of(0x0a, 0x7f)), forward(3)],
  "no message": [
    encodeFrame(1, 1, 0, request(Events.typeName, "Forward", Uint8Array.of(0x0a, 0x7f))),
    forward(3),
  ],
  "an empty request": [encodeFrame(1, 1, 0), forward(3)],
  "an unknown type of frame": [encodeFrame(1, 77, 0, Uint8Array.of(1)), forward(1)],
  "too long a frame": [oversize(1), forward(3)],
};

/** Each answer's stream, code and message; for messages of a protobuf library only the words before. */
async function converse(path: string, frames: readonly Uint8Array[]): Promise<string[]> {
  const answers: string[] = [];
  // Answers come in any order.
  const expected = frames.filter((frame) => frame[8] === frameTypes.request).length;
  const done = Promise.withResolvers<void>();
  const reader = new FrameReader(({ streamId, data }) => {
    const { status } = decode(Response, data);
    const message = (status?.message ?? "").replace(
      /(unmarshal\w* (request error|payload)):.*/s,
      "$1",
    );
    answers.push(`${streamId} ${status?.code ?? 0} ${message}`);
    if (answers.length === expected) done.resolve();
  });
  let rest = new Uint8Array(Buffer.concat(frames));
  const socket = await Bun.connect({
    unix: path,
    socket: {
      data: (_, chunk) => reader.push(chunk),
      drain: (opened) => {
        rest = rest.subarray(Math.max(0, opened.write(rest)));
      },
      close: () => done.resolve(),
    },
  });
  rest = rest.subarray(Math.max(0, socket.write(rest)));
  await done.promise;
  socket.terminate();
  return answers.sort();
}

test("the same wrong frames get the same answers from containerd and from us", async () => {
  const containerd = await engine();
  const path = `${containerd.host.path}/ours.ttrpc`;
  const server = serve({
    address: path,
    services: [implement(Events, { Forward: async () => ({}) })],
  });
  try {
    for (const [name, frames] of Object.entries(conversations)) {
      const [theirs, ours] = [
        await converse(endpoint(containerd), frames),
        await converse(path, frames),
      ];
      expect({ name, answers: ours }).toEqual({ name, answers: theirs });
    }
  } finally {
    await server.close();
  }
});
