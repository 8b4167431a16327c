// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import type { Fd, Pid } from "../kernel/kernel.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import { monitorKernel } from "./monitor-kernel.ts";
import type { MonitorLink, Spawned } from "./monitor-link.ts";

function link() {
  const spawned: Spawned[] = [];
  const reaped: number[] = [];
  // Only what the kernel asks of it.
  const fake = {
    pid: 70 as Pid,
    spawn: (program: Spawned) => {
      spawned.push(program);
      return 71 as Pid;
    },
    reap: (pid: Pid) => reaped.push(pid),
  } as unknown as MonitorLink;
  return { fake, spawned, reaped };
}

const [input, output, error] = [20 as Fd, 21 as Fd, 22 as Fd];

test("processes are the monitor's: with what they inherit, under its numbers, and their streams", () => {
  const { fake, spawned, reaped } = link();
  const kernel = monitorKernel(new RecordingKernel(), fake, [input, output, error]);
  kernel.setInherited(30 as Fd, true);
  kernel.setInherited(31 as Fd, true);
  kernel.setInherited(31 as Fd, false);
  expect(kernel.spawn({ path: "/proc/self/fd/40", argv: ["runelet"], env: [] })).toBe(71 as Pid);
  expect(spawned).toEqual([
    {
      ...{ path: "/proc/self/fd/40", argv: ["runelet"], env: [] },
      descriptors: [
        ...[input, output, error].map((fd, number) => ({ number, fd })),
        ...[30, 40].map((number) => ({ number, fd: number as Fd })),
      ],
      kept: [0, 1, 2, 30],
    },
  ]);
  kernel.reap(71 as Pid);
  expect(reaped).toEqual([71]);
  expect([kernel.pid(), kernel.reapChildren()]).toEqual([70 as Pid, true]);
});

test("a descriptor that is closed is not inherited under its number by the next", () => {
  const { fake, spawned } = link();
  const kernel = monitorKernel(new RecordingKernel().file("/x", ""), fake);
  const fd = kernel.open("/x", 0);
  kernel.setInherited(fd, true);
  kernel.close(fd);
  kernel.spawn({ path: "/bin/x", argv: ["x"], env: [] });
  expect(spawned[0]).toMatchObject({ descriptors: [], kept: [] });
});

test("what a process asks about itself is asked about the monitor and the streams", () => {
  const { fake } = link();
  const machine = new RecordingKernel().file("/proc/70/cgroup", "0::/pod\n");
  const kernel = monitorKernel(machine.link("/proc/self/fd/21", "pipe:[7]"), fake, [
    input,
    output,
    error,
  ]);
  expect(kernel.open("/proc/self/cgroup", 0)).toBeGreaterThan(0);
  expect(kernel.readlink("/proc/self/fd/1")).toBe("pipe:[7]");
});

test("a lock is waited for, and not for ever", () => {
  const { fake } = link();
  let tries = 0;
  const patient = monitorKernel(new RecordingKernel(), fake, undefined, () => ++tries === 3);
  patient.lock(9 as Fd);
  expect(tries).toBe(3);
  let nowMs = 0;
  const machine = Object.assign(new RecordingKernel(), {
    nowMs: () => nowMs,
    sleepMs: (ms: number) => {
      nowMs += ms;
    },
  });
  const busy = monitorKernel(machine, fake, undefined, () => false);
  expect(() => busy.lock(9 as Fd)).toThrow("another command is at work on it");
});
