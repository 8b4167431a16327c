// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "bun:test";
import { RecordWriter } from "../record/record.ts";
import { type AgentStream, greetAgent } from "./agent-client.ts";

const magic = 0x544e4741;
const welcome = reply(0x8001, (w) => w.u32(magic).u32(1).u32(3).u32(7).u32(1));
const run = { cwd: "", argv: ["x"], env: [], tty: false, detached: false };
const target = new Uint8Array(512);

describe("greetAgent", () => {
  test("sends HELLO and keeps what WELCOME says", () => {
    const agent = new ScriptedAgent([welcome]);
    expect(greetAgent(agent).welcome).toMatchObject({ palVersion: 3, state: "running" });
    expect(agent.sent.map(([bytes]) => bytes[0])).toEqual([1]);
  });

  test("a silent agent is an error after 10 seconds", () => {
    const agent = new ScriptedAgent(["silence"]);
    expect(() => greetAgent(agent)).toThrow("does not answer");
    expect(agent.timeouts).toEqual([10_000]);
  });

  test("an agent that closes is an error", () => {
    expect(() => greetAgent(new ScriptedAgent([]))).toThrow("closed the connection");
  });

  test("an agent that closes within a frame is an error", () => {
    const agent = new ScriptedAgent([welcome.subarray(0, 20)]);
    expect(() => greetAgent(agent)).toThrow("within a frame");
  });

  test("a frame that comes byte by byte is put together", () => {
    const bytes = Array.from(welcome, (byte) => Uint8Array.of(byte));
    expect(greetAgent(new ScriptedAgent(bytes)).welcome.canReportData).toBe(true);
  });
});

describe("start", () => {
  test("sends three descriptors and returns the PAL pid", () => {
    const agent = new ScriptedAgent([welcome, reply(0x8002, (w) => w.u32(42))]);
    expect(greetAgent(agent).start(run, [4, 5, 6])).toBe(42);
    expect(agent.sent[1]?.[1]).toEqual([4, 5, 6]);
  });

  test("the wrong number of descriptors never leaves", () => {
    const client = greetAgent(new ScriptedAgent([welcome]));
    expect(() => client.start(run, [4])).toThrow(RangeError);
    expect(() => client.start({ ...run, tty: true }, [4, 5, 6])).toThrow(RangeError);
  });

  test.each([
    [3, 0, "CONTAINER_STATE"],
    [4, 0, "CONTAINER_NOT_RUNNING"],
    [8, 2, "EXEC_NOT_FOUND"],
    [8, 13, "EXEC_FAILED"],
    [8, 12, "PAL_FAILED"],
    [9, 1, "AGENT"],
    [5, 0, "AGENT"],
  ])("ERROR %d with errno %d is %s", (code, errno, expected) => {
    const refusal = reply(0x80ff, (w) => w.u32(code).u32(errno).string("run").string("no"), 1);
    const client = greetAgent(new ScriptedAgent([welcome, refusal]));
    expect(() => client.start(run, [0, 1, 2])).toThrow(
      expect.objectContaining({ code: expected, message: "run: no" }),
    );
  });

  test("EXITED instead of STARTED is an error", () => {
    const early = reply(0x8003, (w) => w.u32(0).u32(0));
    const client = greetAgent(new ScriptedAgent([welcome, early]));
    expect(() => client.start(run, [0, 1, 2])).toThrow("exited where started was expected");
  });
});

describe("waitForExit", () => {
  test("waits without limit", () => {
    const agent = new ScriptedAgent([welcome, reply(0x8003, (w) => w.u32(0).u32(7))]);
    expect(greetAgent(agent).waitForExit()).toEqual({ kind: "code", code: 7 });
    expect(agent.timeouts.at(-2)).toBe(-1);
  });

  test("an agent that is gone means SIGKILL", () => {
    const client = greetAgent(new ScriptedAgent([welcome]));
    expect(client.waitForExit()).toEqual({ kind: "signal", signal: 9 });
  });

  test("an agent that dies within EXITED is an error", () => {
    const half = reply(0x8003, (w) => w.u32(0).u32(7)).subarray(0, 12);
    const client = greetAgent(new ScriptedAgent([welcome, half]));
    expect(() => client.waitForExit()).toThrow("within a frame");
  });
});

describe("kill", () => {
  test("sends pid and signal", () => {
    const agent = new ScriptedAgent([welcome, reply(0x8004, (w) => w)]);
    greetAgent(agent).kill(5, 9);
    expect(Buffer.from(agent.sent[1]?.[0] ?? []).toString("hex")).toBe(
      "03000000080000000500000009000000",
    );
  });

  test("a pid that is gone is CONTAINER_NOT_RUNNING", () => {
    const gone = reply(0x80ff, (w) => w.u32(7).u32(0).string("signal").string("no such process"));
    const client = greetAgent(new ScriptedAgent([welcome, gone]));
    expect(() => client.kill(5, 9)).toThrow(
      expect.objectContaining({ code: "CONTAINER_NOT_RUNNING" }),
    );
  });
});

describe("report", () => {
  const data = new Uint8Array(64).fill(3);

  test("returns a REPORT that holds the report data", () => {
    const good = reportReply(1, data);
    const client = greetAgent(new ScriptedAgent([welcome, good]));
    expect(client.report(target, data)).toHaveLength(432);
  });

  test("a REPORT with other report data is an error", () => {
    const other = reportReply(1, new Uint8Array(64).fill(4));
    const client = greetAgent(new ScriptedAgent([welcome, other]));
    expect(() => client.report(target, data)).toThrow("without the report data");
  });

  test("a REPORT that claims to be fresh, unasked, is an error, and the reverse", () => {
    const fresh = greetAgent(new ScriptedAgent([welcome, reportReply(1, data)]));
    expect(() => fresh.report(target)).toThrow("other than the one asked for");
    const stale = greetAgent(new ScriptedAgent([welcome, reportReply(0, data)]));
    expect(() => stale.report(target, data)).toThrow("other than the one asked for");
  });

  test("sizes are checked before anything is sent", () => {
    const agent = new ScriptedAgent([welcome]);
    const client = greetAgent(agent);
    expect(() => client.report(new Uint8Array(511))).toThrow(RangeError);
    expect(() => client.report(target, new Uint8Array(63))).toThrow(RangeError);
    expect(agent.sent).toHaveLength(1);
  });
});

/** A stream whose other end says what the script holds, whatever it hears. */
class ScriptedAgent implements AgentStream {
  readonly sent: [Uint8Array, readonly number[]][] = [];
  readonly timeouts: number[] = [];
  readonly #script: (Uint8Array | "silence")[];

  constructor(script: readonly (Uint8Array | "silence")[]) {
    this.#script = [...script];
  }

  send(bytes: Uint8Array, fds: readonly number[]): void {
    this.sent.push([bytes.slice(), fds]);
  }

  receive(maxBytes: number, timeoutMs: number): Uint8Array | undefined {
    this.timeouts.push(timeoutMs);
    const next = this.#script.shift();
    if (next === "silence") return undefined;
    if (next === undefined) return new Uint8Array(0);
    if (next.length > maxBytes) this.#script.unshift(next.subarray(maxBytes));
    return next.subarray(0, maxBytes);
  }
}

function reportReply(fresh: number, data: Uint8Array): Uint8Array {
  const report = new Uint8Array(432);
  report.set(data, 320);
  return reply(0x8005, (w) => w.u32(fresh).bytes(report));
}

function reply(code: number, fill: (w: RecordWriter) => RecordWriter, flags = 0): Uint8Array {
  return fill(new RecordWriter().begin(code, flags)).end().finish().slice();
}
