// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import type { Resources } from "../oci/config-resources.ts";
import type { CgroupDirectory } from "./cgroup.ts";
import { ignoredLimits } from "./ignored.ts";

const v1 = (...controllers: string[]): CgroupDirectory => {
  return { version: 1, controllers, path: `/cg/${controllers.join()}/web` };
};
const v2: CgroupDirectory = { version: 2, controllers: [], path: "/cg/unified/web" };

const names = (resources: Resources, ...directories: CgroupDirectory[]) =>
  ignoredLimits(resources, directories).map((text) => /`(.*)`/.exec(text)?.[1]);

const onlyVersion1: Resources = {
  memory: { limit: 5n, swappiness: 0, disableOOMKiller: true },
  cpu: { shares: 5n, realtimePeriod: 5n, realtimeRuntime: 5n },
  blockIO: { leafWeight: 5, weightDevice: [{ major: 8, minor: 0, leafWeight: 5 }] },
  network: { classID: 5, priorities: [{ name: "lo", priority: 7 }] },
};

test("limits of version 1 are ignored where version 2 has the controller", () => {
  const memory = ["memory.swappiness", "memory.disableOOMKiller"];
  const cpu = ["cpu.realtimePeriod", "cpu.realtimeRuntime"];
  const io = ["blockIO.leafWeight", "blockIO.weightDevice[].leafWeight"];
  const network = ["network.classID", "network.priorities"];
  expect(names(onlyVersion1, v2)).toEqual([...memory, ...cpu, ...io, ...network]);
  expect(names(onlyVersion1, v1("memory"), v1("cpu", "cpuacct"), v2)).toEqual(io);
  expect(names(onlyVersion1, v1("memory"))).toEqual([]); // missing controllers are errors
  expect(names(onlyVersion1)).toEqual([]);
});

test("what asks for nothing is not mentioned", () => {
  const nothing: Resources = {
    memory: { kernel: 0n, useHierarchy: true, disableOOMKiller: false },
    cpu: { realtimeRuntime: 0n },
    blockIO: { leafWeight: 0, weightDevice: [] },
    network: { classID: 0, priorities: [] },
  };
  expect(names(nothing, v2)).toEqual([]);
});

test("what kernels have given up is ignored everywhere", () => {
  const memory = { kernel: 5n, kernelTCP: -1n, useHierarchy: false };
  const all = ["memory.kernel", "memory.kernelTCP", "memory.useHierarchy"];
  expect(names({ memory }, v1("memory"))).toEqual(all);
  expect(names({ memory }, v2)).toEqual(all);
});
