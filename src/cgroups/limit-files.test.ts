// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { EINVAL, EIO } from "../kernel/constants.ts";
import type { RecordingKernel } from "../kernel/recording.ts";
import { LimitFiles } from "./limit-files.ts";
import { changeLimits } from "./limits.ts";
import { directoryOf, empty, hostWith, writesOf } from "./testing.ts";

const unified = directoryOf(2);

test("a failure names the file, the value and the cause", () => {
  const kernel = hostWith(2, empty("pids.max")).fail("write /v2/web/pids.max", EINVAL);
  const files = new LimitFiles(kernel, unified);
  expect(() => files.write("pids.max", "7")).toThrow(
    expect.objectContaining({
      code: "CGROUP",
      errno: EINVAL,
      message: "write `7` to `/v2/web/pids.max`: invalid argument",
    }),
  );
  expect(kernel.openNames()).toEqual([]);
});

test("a missing file says why it is missing", () => {
  const missing = (files: Record<string, string>, parent: Record<string, string> = {}) => {
    const kernel = hostWith(2, files);
    for (const [name, text] of Object.entries(parent)) kernel.file(`/v2/${name}`, text);
    // The fake does not resolve "..".
    for (const [name, text] of Object.entries(parent)) kernel.file(`/v2/web/../${name}`, text);
    return () => new LimitFiles(kernel, unified).write("memory.max", "7");
  };
  const none = { "cgroup.controllers": "cpu\n", "cgroup.type": "domain\n" };
  const given = { "cgroup.controllers": "cpu memory\n" };
  expect(missing(given)).toThrow("the kernel has no such limit here");
  expect(missing(none)).toThrow(/the memory controller is not enabled there$/);
  expect(missing({ ...none, "cgroup.type": "threaded\n" })).toThrow("the cgroup is threaded");
  expect(missing(none, { ...given, "cgroup.procs": "1\n" })).toThrow(
    "the cgroup above has processes of its own",
  );
  expect(missing(none, { ...given, "cgroup.procs": "" })).toThrow(/not enabled there$/);
});

const files = {
  "memory.max": "100\n",
  "memory.swap.max": "max\n",
  "memory.low": "0\n",
  "cpu.weight": "100\n",
  "cpu.max": "max 100000\n",
  "io.max": "8:0 rbps=5 wbps=max riops=max wiops=max\n",
  "pids.max": "max\n",
};
const change = {
  memory: { limit: 50n },
  cpu: { shares: 512n, quota: 5000n },
  blockIO: {
    throttleReadBpsDevice: [
      { major: 8, minor: 0, rate: 7n },
      { major: 8, minor: 16, rate: 9n },
    ],
  },
  pids: { limit: 5n },
};
const update = (kernel: RecordingKernel) => () => changeLimits(kernel, [unified], change);

test("an update that fails puts back what it has changed, the last first", () => {
  const kernel = hostWith(2, files).fail("write /v2/web/io.max 8:16", EIO);
  const writes = writesOf(kernel, () => expect(update(kernel)).toThrow("input/output error"));
  expect(writes.map((line) => line.trimEnd())).toEqual([
    "memory.max 50",
    "cpu.weight 59",
    "cpu.max 5000 100000",
    "io.max 8:0 rbps=7",
    "io.max 8:0 rbps=5 wbps=max riops=max wiops=max",
    "cpu.max max 100000",
    "cpu.weight 100",
    "memory.max 100",
  ]);
});

test("a device that had no throttle gets none again", () => {
  const unknown = { ...change, rdma: { mlx5_0: { hcaHandles: 1 } } };
  const kernel = hostWith(2, files);
  const failing = () => changeLimits(kernel, [unified], unknown);
  const writes = writesOf(kernel, () => expect(failing).toThrow("rdma.max"));
  expect(writes).toContain("io.max 8:16 rbps=max wbps=max riops=max wiops=max\n");
});

test("a value that does not go back is told of", () => {
  const lost = hostWith(2, files).fail("write /v2/web/io.max 8:16", EIO);
  lost.reactions.write = (fd, bytes) => {
    const text = new TextDecoder().decode(bytes);
    if (lost.nameOf(fd).endsWith("cpu.weight") && text === "100\n") throw new Error("gone");
  };
  expect(update(lost)).toThrow(
    "the old value of `/v2/web/cpu.weight` is lost: write `8:16 rbps=9`",
  );
});

test("an update leaves devices alone", () => {
  const kernel = hostWith(2, files);
  changeLimits(kernel, [unified], { devices: [{ allow: false }], pids: { limit: 3n } });
  expect(kernel.attachedPrograms(unified.path)).toEqual([]);
  expect(kernel.text("/v2/web/pids.max")).toBe("3");
});
