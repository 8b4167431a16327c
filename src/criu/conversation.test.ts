// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { RuneError } from "../errors/error.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import { converse } from "./conversation.ts";
import { lastErrors, logHint } from "./log.ts";
import { resolveInRoot } from "./resolve.ts";

const notification = (script: string) =>
  new Uint8Array([
    8,
    6,
    16,
    1,
    0x2a,
    script.length + 4,
    10,
    script.length,
    ...Buffer.from(script),
    16,
    7,
  ]);
const dumped = () => new Uint8Array([8, 1, 16, 1]);
const request = { type: "dump", options: { imagesDirFd: 3 } } as const;

function criuSaying(...packets: Uint8Array[]) {
  const kernel = new RecordingKernel();
  const [socket] = kernel.packetPair();
  for (const packet of packets) kernel.deliver(socket, packet);
  return { kernel, socket };
}

function failureOf(run: () => unknown): RuneError {
  try {
    run();
  } catch (error) {
    if (error instanceof RuneError) return error;
  }
  throw new Error("did not fail");
}

test("every step is told and answered, until the request is", () => {
  const { kernel, socket } = criuSaying(
    notification("pre-dump"),
    notification("post-dump"),
    dumped(),
  );
  const steps: string[] = [];
  const response = converse(kernel, socket, request, ({ script, pid }) =>
    steps.push(`${script} ${pid}`),
  );
  expect(response).toEqual({ type: "dump", success: true });
  expect(steps).toEqual(["pre-dump 7", "post-dump 7"]);
  expect(kernel.calls.filter((call) => call.startsWith("write"))).toHaveLength(3);
});

test("descriptors of a step are closed, also when the step fails", () => {
  const kernel = new RecordingKernel();
  const [socket] = kernel.packetPair();
  kernel.deliver(socket, notification("orphan-pts-master"), ["master"]);
  const failing = () => {
    throw new Error("nobody wants it");
  };
  expect(() => converse(kernel, socket, request, failing)).toThrow("nobody wants it");
  expect(kernel.calls.at(-1)).toBe("close master");
});

test("failures of criu, and of its manners", () => {
  const failure = (...packets: Uint8Array[]) => {
    const { kernel, socket } = criuSaying(...packets);
    return failureOf(() => converse(kernel, socket, request));
  };
  expect(failure()).toMatchObject({ code: "CRIU", reason: "criu ended without a word" });
  // The first error that criu met need not be why: the log tells.
  const refused = new Uint8Array([8, 1, 16, 0, 56, 3, 0x4a, 2, 110, 111]);
  expect(failure(refused)).toMatchObject({
    doing: "have criu dump",
    reason: "criu has failed (errno 3)",
  });
  expect(failure(new Uint8Array([8, 2, 16, 1])).reason).toContain("answers a request for restore");
  expect(failure(new Uint8Array([8, 6, 16, 1])).reason).toContain("answers a request for notify");
  const { kernel, socket } = criuSaying(new Uint8Array([8, 10, 16, 0, 0x4a, 2, 110, 111]));
  const error = failureOf(() => converse(kernel, socket, { type: "version" }));
  expect(error.message).toBe("have criu tell its version: criu has failed: no");
});

test("the end of criu's log is what it failed for", () => {
  const log = [
    "(00.000001) Version: 4.1.1",
    "(00.1) Error (criu/a.c:1): early",
    "(00.2) Warn  (criu/a.c:2): Error-like words",
    "(00.3) Error (criu/b.c:1): two",
    "pie: 7: Error (criu/pie/c.c:3): three",
    `(00.5) Error (criu/d.c:4): ${"x".repeat(400)}`,
  ].join("\n");
  const [two, three, last] = lastErrors(log);
  expect([two, three]).toEqual(["Error (criu/b.c:1): two", "Error (criu/pie/c.c:3): three"]);
  expect(last).toHaveLength(301);
  const kernel = new RecordingKernel().file("/w/dump.log", log).file("/w/empty.log", "");
  expect(logHint(kernel, "/w/dump.log")).toStartWith(
    "criu's log `/w/dump.log` ends with: Error (criu/b",
  );
  expect(logHint(kernel, "/w/empty.log")).toBe("criu's log is `/w/empty.log`");
  expect(logHint(kernel, "/w/none.log")).toBe("criu has left no log `/w/none.log`");
});

test("links of a root file system lead nowhere else", () => {
  const kernel = new RecordingKernel()
    .directory("/r/run/lock")
    .link("/r/var/run", "/run")
    .link("/r/rel", "run/../run/lock")
    .link("/r/up", "../../../..")
    .link("/r/loop", "loop")
    .file("/r/etc/hosts", "");
  const resolved = (path: string) => resolveInRoot(kernel, "/r", path);
  expect(resolved("/var/run/x/y")).toBe("/run/x/y");
  expect(resolved("/rel/a")).toBe("/run/lock/a");
  expect(resolved("/up/etc/hosts")).toBe("/etc/hosts");
  expect(resolved("//a/./../b/")).toBe("/b");
  expect(resolved("/loop/x")).toBe("/loop/x");
  expect(resolved("/")).toBe("/");
});
