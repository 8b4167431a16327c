// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { RecordingKernel } from "../kernel/recording.ts";
import { applyLimits } from "./limits.ts";
import { applied, changed, directoryOf, empty } from "./testing.ts";

const code = (code: string, text: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(text) });

test("files are written in their order, after what the other fields say, line by line", () => {
  const unified = {
    "memory.max": "2M",
    "misc.max": "sgx_epc 4096",
    "io.max": "8:0 rbps=1\n8:16 wiops=2\n",
    "cpu.max": "5000 10000",
  };
  const files = empty(...Object.keys(unified));
  expect(applied(2, { unified, memory: { limit: 1n } }, files)).toEqual([
    "memory.max 1",
    "memory.max 2M",
    "misc.max sgx_epc 4096",
    "io.max 8:0 rbps=1",
    "io.max 8:16 wiops=2",
    "cpu.max 5000 10000",
  ]);
});

test("a file stays that the limit on processes, which comes later, is about too", () => {
  const files = empty("pids.max");
  const both = { unified: { "pids.max": "9" }, pids: { limit: 5n } };
  expect(applied(2, both, files)).toEqual(["pids.max 9"]);
  expect(changed(2, both, files)).toEqual(["pids.max 5", "pids.max 9"]);
});

test("a host without version 2, or with the controller in version 1, refuses", () => {
  const unified = { "memory.high": "1M" };
  const kernel = new RecordingKernel();
  const v1 = { ...directoryOf(1), controllers: ["memory", "blkio"] };
  const both = [v1, directoryOf(2)];
  expect(() => applyLimits(kernel, both, { unified })).toThrow(
    code("CGROUP", "set `memory.high`: this host has the controller in a version 1 hierarchy"),
  );
  expect(() => applyLimits(kernel, both, { unified: { "io.max": "8:0 rbps=1" } })).toThrow(
    code("CGROUP", "version 1 hierarchy"),
  );
  expect(() => applyLimits(kernel, [v1], { unified: { "misc.max": "sgx_epc 1" } })).toThrow(
    code("CGROUP", "no version 2 cgroup hierarchy is mounted"),
  );
});

test("what the runtime needs for itself is refused", () => {
  for (const name of ["cgroup.freeze", "cgroup.procs", "cgroup.kill", "cgroup.type"]) {
    expect(() => applied(2, { unified: { [name]: "1" } }, empty(name))).toThrow(
      code("CONFIG_INVALID", `set \`${name}\`: the runtime itself writes this file`),
    );
  }
  const unified = { "cgroup.max.depth": "3" };
  expect(applied(2, { unified }, empty("cgroup.max.depth"))).toEqual(["cgroup.max.depth 3"]);
});

test("a controller that is not there is named", () => {
  const files = { "cgroup.controllers": "cpu memory\n" };
  expect(() => applied(2, { unified: { "misc.max": "sgx_epc 1" } }, files)).toThrow(
    "write `sgx_epc 1` to `/v2/web/misc.max`: the misc controller is not enabled there",
  );
});
