// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "bun:test";
import { EBUSY, EINVAL } from "../kernel/constants.ts";
import type { MemoryResources } from "../oci/config-resources.ts";
import { applyLimits } from "./limits.ts";
import { applied, changed, directoryOf, empty, hostWith, writesOf } from "./testing.ts";

const v1Files = empty(
  "memory.limit_in_bytes",
  "memory.memsw.limit_in_bytes",
  "memory.soft_limit_in_bytes",
  "memory.swappiness",
  "memory.oom_control",
);
const v2Files = {
  "memory.max": "max\n",
  "memory.swap.max": "max\n",
  "memory.low": "0\n",
  "memory.current": "4096\n",
};
const v1 = (memory: MemoryResources, files = v1Files) => applied(1, { memory }, files);
const v2 = (memory: MemoryResources, files: Record<string, string> = v2Files) =>
  applied(2, { memory }, files);

test("version 1", () => {
  const memory = { limit: 100n, reservation: 50n, swap: 150n, swappiness: 0 };
  expect(v1({ ...memory, disableOOMKiller: true })).toEqual([
    "memory.limit_in_bytes 100",
    "memory.memsw.limit_in_bytes 150",
    "memory.soft_limit_in_bytes 50",
    "memory.oom_control 1",
    "memory.swappiness 0",
  ]);
  expect(v1({ disableOOMKiller: false, limit: 0n, reservation: 0n, swap: 0n })).toEqual([]);
  expect(v1({ kernel: 5n, kernelTCP: 5n, useHierarchy: true })).toEqual([]);
});

test("version 1: no memory limit means no limit on swap either, where swap is counted", () => {
  const both = ["memory.limit_in_bytes -1", "memory.memsw.limit_in_bytes -1"];
  expect(v1({ limit: -1n })).toEqual(both);
  expect(v1({ limit: -1n, swap: -1n })).toEqual(both);
  const uncounted = empty("memory.limit_in_bytes");
  expect(v1({ limit: -1n }, uncounted)).toEqual(both.slice(0, 1));
  expect(v1({ limit: 5n, swap: -1n }, uncounted)).toEqual(["memory.limit_in_bytes 5"]);
  expect(() => v1({ limit: 5n, swap: 7n }, uncounted)).toThrow("memory.memsw.limit_in_bytes");
});

test("version 1: a memory limit above the present sum waits until the sum is raised", () => {
  const kernel = hostWith(1, v1Files);
  kernel.fail("write /v1/web/memory.limit_in_bytes", EINVAL);
  const memory = { limit: 300n, swap: 400n };
  const writes = writesOf(kernel, () => applyLimits(kernel, [directoryOf(1)], { memory }));
  expect(writes).toEqual(["memory.memsw.limit_in_bytes 400", "memory.limit_in_bytes 300"]);
});

test("version 1: a limit below what is used says how much is", () => {
  const kernel = hostWith(1, { ...v1Files, "memory.usage_in_bytes": "8192\n" });
  kernel.fail("write /v1/web/memory.limit_in_bytes", EBUSY);
  expect(() => applyLimits(kernel, [directoryOf(1)], { memory: { limit: 4096n } })).toThrow(
    "write `4096` to `/v1/web/memory.limit_in_bytes`: it is below what is used now, 8192 bytes",
  );
});

test("version 2 counts swap alone", () => {
  const rows: [MemoryResources, ...string[]][] = [
    [{ limit: 100n }, "memory.max 100"],
    [{ limit: 100n, swap: 150n }, "memory.swap.max 50", "memory.max 100"],
    [{ limit: 100n, swap: 100n }, "memory.swap.max 0", "memory.max 100"],
    [{ limit: 100n, swap: -1n }, "memory.swap.max max", "memory.max 100"],
    [{ limit: 100n, swap: 0n }, "memory.max 100"],
    [{ limit: -1n }, "memory.swap.max max", "memory.max max"],
    [{ limit: -1n, swap: -1n }, "memory.swap.max max", "memory.max max"],
    [{ limit: -1n, swap: 70n }, "memory.swap.max 70", "memory.max max"],
    [{ swap: -1n }, "memory.swap.max max"],
    [{ reservation: 50n }, "memory.low 50"],
    [{ reservation: -1n }, "memory.low max"],
    [{ limit: 0n, swap: 0n, reservation: 0n }],
    [{ kernel: 9n, kernelTCP: 9n, useHierarchy: false, disableOOMKiller: false }],
  ];
  for (const [memory, ...writes] of rows) expect(v2(memory)).toEqual(writes);
});

test("version 2: swap below the limit, or without one, says nothing", () => {
  expect(() => v2({ limit: 100n, swap: 99n })).toThrow(
    "config `linux.resources.memory.swap`: set `99`: memory and swap count together: it cannot be less than the limit, 100",
  );
  expect(() => v2({ swap: 99n })).toThrow("it needs `limit`, too");
});

test("version 2 without swap accounting: none and unlimited are both what there is", () => {
  const uncounted = { "memory.max": "max\n" };
  expect(v2({ limit: 5n, swap: 5n }, uncounted)).toEqual(["memory.max 5"]);
  expect(v2({ limit: 5n, swap: -1n }, uncounted)).toEqual(["memory.max 5"]);
  expect(() => v2({ limit: 5n, swap: 7n }, uncounted)).toThrow("memory.swap.max");
});

test("version 2 has no swappiness and cannot do without the OOM killer", () => {
  expect(v2({ swappiness: 0, disableOOMKiller: true })).toEqual([]);
  expect(v2({ limit: 100n, swappiness: 5 })).toEqual(v2({ limit: 100n }));
});

describe("an update of one value", () => {
  const now = { "memory.max": "100\n", "memory.swap.max": "50\n", "memory.low": "0\n" };

  test("of swap counts from the present limit", () => {
    expect(changed(2, { memory: { swap: 300n } }, now)).toEqual(["memory.swap.max 200"]);
    expect(() => changed(2, { memory: { swap: 99n } }, now)).toThrow("less than the limit, 100");
  });

  test("of the limit leaves the sum, as version 1 does", () => {
    const writes = ["memory.swap.max 30", "memory.max 120"];
    expect(changed(2, { memory: { limit: 120n } }, now)).toEqual(writes);
    expect(() => changed(2, { memory: { limit: 151n } }, now)).toThrow(
      "set `150`: memory and swap count together: it cannot be less than the limit, 151",
    );
    const unbounded = { ...now, "memory.swap.max": "max\n" };
    expect(changed(2, { memory: { limit: 151n } }, unbounded)).toEqual(["memory.max 151"]);
  });

  test("of the reservation touches nothing else", () => {
    expect(changed(2, { memory: { reservation: 10n } }, now)).toEqual(["memory.low 10"]);
  });
});

test("checkBeforeUpdate keeps version 2 from killing", () => {
  const files = { ...v2Files, "memory.current": "500\n" };
  const check = { checkBeforeUpdate: true };
  expect(() => v2({ ...check, limit: 500n }, files)).toThrow(
    "limit `memory.limit` to `500`: 500 bytes are used already",
  );
  expect(() => v2({ ...check, limit: 400n, swap: 450n }, files)).toThrow("memory.limit");
  expect(v2({ ...check, limit: 501n }, files)).toEqual(["memory.max 501"]);
  expect(v2({ ...check, limit: -1n }, files)).toContain("memory.max max");
  expect(v2({ limit: 400n }, files)).toEqual(["memory.max 400"]);
  expect(v2({ ...check, limit: 1n }, { "memory.max": "max\n" })).toEqual(["memory.max 1"]);
});
