// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { RecordingKernel } from "../kernel/recording.ts";
import { giveCgroup } from "./ownership.ts";

const unified = { version: 2, controllers: [], path: "/cg/web" } as const;
const memory = { version: 1, controllers: ["memory"], path: "/cg1/web" } as const;

function host(): RecordingKernel {
  const kernel = new RecordingKernel().cgroupMount("/cg", {
    "cgroup.procs": "",
    "cgroup.threads": "",
    "memory.reclaim": "",
    "memory.max": "max",
  });
  kernel.mkdir("/cg/web", 0o755);
  kernel.calls.length = 0;
  return kernel;
}

const chowns = ({ calls }: RecordingKernel) => calls.filter((call) => call.startsWith("chown"));

test("the directory and the files of a delegation are given, limits are not", () => {
  const kernel = host().file(
    "/sys/kernel/cgroup/delegate",
    "cgroup.procs\ncgroup.threads\nmemory.reclaim\nio.none\n../x\n",
  );
  giveCgroup(kernel, [memory, unified], 100_000);
  expect(chowns(kernel)).toEqual(
    ["", "/cgroup.procs", "/cgroup.threads", "/memory.reclaim", "/io.none"].map(
      (name) => `chown /cg/web${name} 100000:-1`,
    ),
  );
});

test("an older kernel's list; version 1 cgroups stay as they are", () => {
  const kernel = host();
  giveCgroup(kernel, [unified], 7);
  expect(chowns(kernel)).toHaveLength(4);
  giveCgroup(kernel, [memory], 7);
  expect(chowns(kernel)).toHaveLength(4);
});
