// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { hasLimits } from "./limits.ts";
import { applied, empty } from "./testing.ts";

const limits = [
  { pageSize: "2MB", limit: 4_194_304n },
  { pageSize: "1GB", limit: 0n },
];
const sizes = ["2MB", "1GB"];
const filesOf = (...suffixes: string[]) =>
  empty(...sizes.flatMap((size) => suffixes.map((suffix) => `hugetlb.${size}.${suffix}`)));

test("use and reservation of each size", () => {
  const v1 = filesOf("limit_in_bytes", "rsvd.limit_in_bytes");
  expect(applied(1, { hugepageLimits: limits }, v1)).toEqual([
    "hugetlb.2MB.limit_in_bytes 4194304",
    "hugetlb.2MB.rsvd.limit_in_bytes 4194304",
    "hugetlb.1GB.limit_in_bytes 0",
    "hugetlb.1GB.rsvd.limit_in_bytes 0",
  ]);
  expect(applied(2, { hugepageLimits: limits }, filesOf("max", "rsvd.max"))).toEqual([
    "hugetlb.2MB.max 4194304",
    "hugetlb.2MB.rsvd.max 4194304",
    "hugetlb.1GB.max 0",
    "hugetlb.1GB.rsvd.max 0",
  ]);
});

test("kernels before 5.7 count no reservations", () => {
  const writes = ["hugetlb.2MB.max 4194304", "hugetlb.1GB.max 0"];
  expect(applied(2, { hugepageLimits: limits }, filesOf("max"))).toEqual(writes);
});

test("none of a size that is not there needs no file; some of it does", () => {
  const none = { hugepageLimits: sizes.map((pageSize) => ({ pageSize, limit: 0n })) };
  for (const version of [1, 2] as const) {
    expect(applied(version, none, {})).toEqual([]);
    expect(() => applied(version, { hugepageLimits: limits }, {})).toThrow("hugetlb.2MB");
  }
  expect(hasLimits(none)).toBe(false);
  expect(hasLimits({ hugepageLimits: limits })).toBe(true);
});
