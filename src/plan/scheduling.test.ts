// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { affinity, allCpus, scheduling } from "./scheduling.ts";

const process = { user: { uid: 0, gid: 0 }, args: ["sh"], cwd: "/" };

test("nothing is set that is not asked for", () => {
  expect(scheduling(process, {})).toEqual([]);
  expect(affinity(undefined)).toEqual([]);
  expect(affinity("")).toEqual([]);
});

test("CPUs are a mask; all of them are an empty one", () => {
  expect(affinity("0,3")).toEqual([
    { op: "affinity", mask: new Uint8Array([9, 0, 0, 0, 0, 0, 0, 0]) },
  ]);
  expect(allCpus).toEqual({ op: "affinity", mask: new Uint8Array() });
});

test("the scheduler's names become sched_setattr's numbers", () => {
  const scheduler = {
    policy: "SCHED_DEADLINE",
    flags: ["SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_DL_OVERRUN"],
    runtime: 1n,
    deadline: 2n,
    period: 3n,
  } as const;
  expect(scheduling({ ...process, scheduler }, {})).toEqual([
    {
      op: "scheduler",
      policy: 6,
      flags: 5,
      nice: 0,
      priority: 0,
      runtime: 1n,
      deadline: 2n,
      period: 3n,
    },
  ]);
});

test("I/O priority has its class in bits 13 to 15", () => {
  const ioPriority = { class: "IOPRIO_CLASS_IDLE", priority: 7 } as const;
  expect(scheduling({ ...process, ioPriority }, {})).toEqual([{ op: "ioPriority", value: 0x6007 }]);
});

test("memory policy and personality are the container's", () => {
  const memoryPolicy = {
    mode: "MPOL_BIND",
    nodes: "0",
    flags: ["MPOL_F_STATIC_NODES"],
  } as const;
  expect(scheduling(process, { memoryPolicy, personality: { domain: "LINUX32" } })).toEqual([
    { op: "memoryPolicy", mode: 0x8002, nodes: new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]) },
    { op: "personality", domain: 8 },
  ]);
});
