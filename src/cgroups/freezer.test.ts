// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { RecordingKernel } from "../kernel/recording.ts";
import type { CgroupDirectory } from "./cgroup.ts";
import { freeze, isFrozen, thaw, thawAll } from "./freezer.ts";
import { signalAll } from "./signal.ts";

const memory: CgroupDirectory = { version: 1, controllers: ["memory"], path: "/cg/memory/web" };
const freezer: CgroupDirectory = { version: 1, controllers: ["freezer"], path: "/cg/freezer/web" };
const unified: CgroupDirectory = { version: 2, controllers: [], path: "/cg/unified/web" };

/** A version 1 cgroup whose processes stop after some tries. */
function v1(tries: number): RecordingKernel {
  const kernel = new RecordingKernel()
    .cgroupMount("/cg/freezer", {
      "cgroup.procs": "",
      "freezer.state": "THAWED\n",
      "freezer.self_freezing": "0\n",
    })
    .directory("/cg/memory/web");
  kernel.mkdir(freezer.path, 0o755);
  let left = tries;
  kernel.reactions.write = (fd, bytes) => {
    if (kernel.nameOf(fd) !== `${freezer.path}/freezer.state`) return;
    const asked = new TextDecoder().decode(bytes);
    kernel.file(`${freezer.path}/freezer.self_freezing`, asked === "FROZEN" ? "1\n" : "0\n");
    kernel.file(
      `${freezer.path}/freezer.state`,
      asked === "THAWED" ? "THAWED\n" : left-- > 0 ? "FREEZING\n" : "FROZEN\n",
    );
  };
  return kernel;
}

function v2(events: string): RecordingKernel {
  const kernel = new RecordingKernel().cgroupMount("/cg/unified", {
    "cgroup.procs": "",
    "cgroup.freeze": "0\n",
    "cgroup.events": events,
  });
  kernel.mkdir(unified.path, 0o755);
  return kernel;
}

test("version 1 is told again until everything has stopped", () => {
  const kernel = v1(30);
  freeze(kernel, [memory, freezer, unified]);
  expect(isFrozen(kernel, [memory, freezer])).toBe(true);
  const orders = kernel.calls.filter((call) => call.includes("freezer.state FROZEN"));
  expect(orders.length).toBe(31);
  // Once it was let go, for a process that waited for a frozen one.
  expect(kernel.calls.filter((call) => call.endsWith("freezer.state THAWED")).length).toBe(1);
  thaw(kernel, [memory, freezer]);
  expect(isFrozen(kernel, [memory, freezer])).toBe(false);
});

test("processes that do not stop in time go on", () => {
  const kernel = v1(Number.POSITIVE_INFINITY);
  expect(() => freeze(kernel, [freezer], 1000)).toThrow("did not stop within 1 s, and go on");
  expect(isFrozen(kernel, [freezer])).toBe(false);
  const other = v2("populated 1\nfrozen 0\n");
  expect(() => freeze(other, [unified])).toThrow("did not stop within 10 s");
  expect(other.text("/cg/unified/web/cgroup.freeze")).toBe("0");
});

test("version 2 is told once, and waited for", () => {
  const kernel = v2("populated 1\nfrozen 0\n");
  kernel.reactions.sleep = () => {
    kernel.file("/cg/unified/web/cgroup.events", "populated 1\nfrozen 1\n");
  };
  freeze(kernel, [memory, unified]);
  expect(kernel.calls.filter((call) => call.startsWith("write"))).toEqual([
    "write /cg/unified/web/cgroup.freeze 1",
  ]);
  expect(isFrozen(kernel, [memory, freezer, unified])).toBe(true);
});

test("without a cgroup that can be frozen", () => {
  expect(() => freeze(new RecordingKernel(), [memory])).toThrow("no cgroup that can be frozen");
  expect(isFrozen(new RecordingKernel(), [memory, freezer, unified])).toBe(false);
  thaw(new RecordingKernel(), [unified]);
});

test("what a container froze below its own cgroup is let go too", () => {
  const kernel = v1(0);
  kernel.mkdir(`${freezer.path}/below`, 0o755);
  thawAll(kernel, [freezer]);
  expect(kernel.calls.filter((call) => call.startsWith("write"))).toEqual([
    "write /cg/freezer/web/freezer.state THAWED",
    "write /cg/freezer/web/below/freezer.state THAWED",
  ]);
});

test("a signal for all is sent while they are frozen; a paused one stays paused", () => {
  const kernel = v1(0).process(7).process(8);
  kernel.file(`${freezer.path}/cgroup.procs`, "7\n8\n");
  const sent = () => kernel.calls.filter((call) => /^(kill|write)/.test(call));
  expect(signalAll(kernel, [freezer], 10)).toBe(2);
  expect(sent()).toEqual([
    "write /cg/freezer/web/freezer.state FROZEN",
    "kill 7 10",
    "kill 8 10",
    "write /cg/freezer/web/freezer.state THAWED",
  ]);
  freeze(kernel, [freezer]);
  signalAll(kernel, [freezer], 10);
  expect(isFrozen(kernel, [freezer])).toBe(true);
  expect(signalAll(kernel, [freezer], 9)).toBe(2);
  expect(isFrozen(kernel, [freezer])).toBe(false);
});

test("SIGKILL goes through cgroup.kill where there is one", () => {
  const kernel = v2("populated 1\nfrozen 0\n");
  kernel.file("/cg/unified/web/cgroup.kill", "").file("/cg/unified/web/cgroup.procs", "7\n");
  expect(signalAll(kernel, [unified], 9)).toBe(1);
  expect(kernel.text("/cg/unified/web/cgroup.kill")).toBe("1");
  expect(kernel.signals).toEqual([]);
});

test("a signal that may not be sent is an error, once everybody else has it", () => {
  const kernel = v2("populated 1\nfrozen 1\n").process(8);
  kernel.file("/cg/unified/web/cgroup.procs", "7\n8\n");
  kernel.fail("kill 7", 1 /* EPERM */);
  expect(() => signalAll(kernel, [unified], 15)).toThrow("operation not permitted");
  expect(kernel.signals).toEqual(["8:15"]);
});
