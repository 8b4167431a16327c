// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { EACCES, ESRCH } from "../kernel/constants.ts";
import type { FakeProcess } from "../kernel/fake-machine.ts";
import type { Pid } from "../kernel/kernel.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import { existing, fakeHost, initPid, root } from "./fake-host.ts";
import { inspect, list } from "./list.ts";
import { isAlive, readProcess, requireChild, statusOf } from "./status.ts";

const kernelWith = (process: FakeProcess) => new RecordingKernel().process(7, process);

test("a command's name cannot pretend to be the fields behind it", () => {
  for (const command of ["sh", "a) R 1 (", "((", "))", ") Z 0 0 0", "a b", "", "x\n7 (y) Z 1"]) {
    const found = readProcess(kernelWith({ command, startTime: 55, parent: 9 }), 7);
    expect(found).toEqual({ state: "S", parent: 9, startTime: 55 });
  }
});

test("a line that is cut, or of a process that went meanwhile, is no process", () => {
  for (const text of ["", "7 (sh)", "7 (sh) S", "7 (sh) S 1 2 3"]) {
    expect(readProcess(new RecordingKernel().file("/proc/7/stat", text), 7)).toBeUndefined();
  }
  expect(readProcess(new RecordingKernel(), 7)).toBeUndefined();
  expect(readProcess(kernelWith({}).fail("read /proc/7/stat", ESRCH), 7)).toBeUndefined();
  expect(() => readProcess(kernelWith({}).fail("read /proc/7/stat", EACCES), 7)).toThrow("denied");
});

test("a process is alive while it is the same one and no zombie", () => {
  const init = { pid: 7, startTime: 55 };
  for (const state of ["R", "S", "D", "T", "t", "I"]) {
    expect(isAlive(kernelWith({ startTime: 55, state }), init)).toBe(true);
  }
  for (const state of ["Z", "X"])
    expect(isAlive(kernelWith({ startTime: 55, state }), init)).toBe(false);
  expect(isAlive(kernelWith({ startTime: 56 }), init)).toBe(false);
  expect(isAlive(new RecordingKernel(), init)).toBe(false);
});

test("only a child of ours is taken for what a plan has made", () => {
  const pid = 7 as Pid; // of nobody
  expect(requireChild(kernelWith({ parent: 100 }), pid)).toMatchObject({ pid: 7, startTime: 1000 });
  expect(() => requireChild(kernelWith({ parent: 1 }), pid)).toThrow(
    "process 7 is not a child of rune",
  );
  expect(() => requireChild(new RecordingKernel(), pid)).toThrow("it died before it was started");
});

test("status from the state, the process, the fifo and the freezer", () => {
  const path = `${root}/web`;
  const host = fakeHost();
  const state = existing(host);
  const { init: _, ...unfinished } = state;
  const { kernel } = host;
  expect(statusOf(kernel, path, unfinished)).toBe("creating");
  expect(statusOf(kernel, path, state)).toBe("running");
  kernel.fifo(`${path}/exec.fifo`, true);
  expect(statusOf(kernel, path, state)).toBe("created");
  kernel.file("/cg/unified/web/cgroup.freeze", "1\n");
  expect(statusOf(kernel, path, state)).toBe("paused");
  kernel.unlink(`${path}/exec.fifo`);
  expect(statusOf(kernel, path, state)).toBe("paused");
  kernel.file("/cg/unified/web/cgroup.freeze", "0\n");
  expect(statusOf(kernel, path, state)).toBe("running");
  const freezer = { version: 1, controllers: ["freezer"], path: "/cg/freezer/web" } as const;
  for (const [text, status] of [
    ["1\n", "paused"],
    ["0\n", "running"], // also where only a cgroup above is frozen
  ] as const) {
    kernel.file("/cg/freezer/web/freezer.state", "FROZEN\n");
    kernel.file("/cg/freezer/web/freezer.self_freezing", text);
    expect(statusOf(kernel, path, { ...state, cgroup: [freezer] })).toBe(status);
  }
  kernel.endProcess(initPid);
  expect(statusOf(kernel, path, state)).toBe("stopped");
});

test("what `state` prints", () => {
  const host = fakeHost();
  existing(host, { annotations: { a: "b" } });
  expect(inspect(host.deps, "web")).toEqual({
    ociVersion: expect.any(String),
    id: "web",
    pid: initPid,
    status: "running",
    bundle: "/bundle",
    rootfs: "/bundle/rootfs",
    created: "2026-11-23T23:31:00.789Z",
    annotations: { a: "b" },
    owner: "root",
  });
  host.kernel.endProcess(initPid);
  expect(inspect(host.deps, "web")).toMatchObject({ status: "stopped", pid: 0 });
});

test("the owner's name, or the number where there is none", () => {
  const owner = (passwd: string | undefined) => {
    const host = fakeHost();
    existing(host, { ownerUid: 1000 });
    if (passwd !== undefined) host.kernel.file("/etc/passwd", passwd);
    return inspect(host.deps, "web").owner;
  };
  expect(owner("root:x:0:0::/:\nme:x:1000:1000::/:\n")).toBe("me");
  expect(owner("1000:x:1:1000::/:\n")).toBe("#1000");
  expect(owner(undefined)).toBe("#1000");
});

test("`list` leaves out what is broken and says so, but nothing of what went meanwhile", () => {
  const host = fakeHost();
  existing(host);
  host.kernel.file(`${root}/bad/state.json`, "{").file(`${root}/not-a-container`, "");
  host.kernel.directory(`${root}/new`);
  expect(list(host.deps).map(({ id }) => id)).toEqual(["web"]);
  expect(host.warnings).toEqual([
    expect.stringContaining("/run/rune/bad/state.json"),
    expect.stringContaining("it was never finished"),
  ]);
  expect(list({ ...host.deps, root: "/run/none" })).toEqual([]);
});
