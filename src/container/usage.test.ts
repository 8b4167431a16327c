// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { existing, fakeHost, initPid } from "./fake-host.ts";
import { usages } from "./usage.ts";

const unified = [{ version: 2, controllers: [], path: "/cg/unified/web" }] as const;

test("what a container uses, of each controller that there is", () => {
  const host = fakeHost();
  existing(host, {
    cgroup: unified,
    enclave: { type: "intelSgx", platform: "simulation", platformChosenBy: "x" },
  });
  host.kernel
    .file("/cg/unified/web/cpu.stat", "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\n")
    .file("/cg/unified/web/memory.current", "4096\n")
    .file("/cg/unified/web/memory.max", "8192\n")
    .file("/cg/unified/web/pids.current", "3\n")
    .file("/cg/unified/web/misc.current", "res_a 5\nsgx_epc 12288\n");
  expect(usages(host.deps)).toEqual([
    {
      ...{ id: "web", status: "running", pid: initPid },
      enclave: { type: "intelSgx", platform: "simulation" },
      ...{ cpuNs: 1_500_000n, memoryBytes: 4096n, memoryLimitBytes: 8192n, pids: 3n },
      epcBytes: 12288n,
    },
  ]);
  expect(host.kernel.openNames()).toEqual([]);
});

test("no limit is none, and what is not counted is left out", () => {
  const host = fakeHost();
  existing(host, { cgroup: unified });
  host.kernel
    .file("/cg/unified/web/memory.current", "1\n")
    .file("/cg/unified/web/memory.max", "max\n");
  const [found] = usages(host.deps);
  expect(found).not.toHaveProperty("memoryLimitBytes");
  expect(found).not.toHaveProperty("epcBytes");
  expect(found).not.toHaveProperty("enclave");
});

test("a container that has ended uses nothing; one that cannot be read is warned of", () => {
  const host = fakeHost();
  existing(host, {}, false);
  host.kernel.file("/run/rune/broken/state.json", "{");
  expect(usages(host.deps)).toEqual([{ id: "web", status: "stopped" }]);
  expect(host.warnings).toHaveLength(1);
});
