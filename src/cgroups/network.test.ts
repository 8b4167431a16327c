// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { RecordingKernel } from "../kernel/recording.ts";
import type { Resources } from "../oci/config-resources.ts";
import type { CgroupDirectory } from "./cgroup.ts";
import { applyLimits } from "./limits.ts";
import { applied, empty } from "./testing.ts";

const network = { classID: 0x100001, priorities: [{ name: "lo", priority: 7 }] };

test("version 1: a class for all packets, a priority for each interface", () => {
  expect(applied(1, { network }, empty("net_cls.classid", "net_prio.ifpriomap"))).toEqual([
    "net_cls.classid 1048577",
    "net_prio.ifpriomap lo 7",
  ]);
});

test("version 2 has neither", () => {
  expect(applied(2, { network }, {})).toEqual([]);
});

test("where version 1 is in use, one of its controllers that is not there is missing", () => {
  const memory: CgroupDirectory = { version: 1, controllers: ["memory"], path: "/cg/memory/web" };
  const unified: CgroupDirectory = { version: 2, controllers: [], path: "/cg/unified/web" };
  const { classID, priorities } = network;
  for (const hybrid of [[memory], [memory, unified]]) {
    const limit = (resources: Resources) => () =>
      applyLimits(new RecordingKernel().directory("/cg/unified/web"), hybrid, resources);
    expect(limit({ network: { classID } })).toThrow(
      "set `linux.resources.network.classID`: no cgroup hierarchy with the net_cls controller is mounted, and version 2 has no such limit",
    );
    expect(limit({ network: { priorities } })).toThrow("network.priorities");
  }
});

test("zero and an empty list ask for nothing", () => {
  const nothing = { classID: 0, priorities: [] };
  for (const version of [1, 2] as const) {
    expect(applied(version, { network: nothing }, {})).toEqual([]);
  }
});
