// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import type { BlockIoResources } from "../oci/config-resources.ts";
import { ioWeight } from "./block-io.ts";
import { applied, empty } from "./testing.ts";

const device = { major: 8, minor: 16 };
const throttles: BlockIoResources = {
  throttleReadBpsDevice: [
    { ...device, rate: 1_048_576n },
    { major: 259, minor: 0, rate: 0n },
  ],
  throttleWriteBpsDevice: [{ ...device, rate: 2n ** 64n - 1n }],
  throttleReadIOPSDevice: [{ ...device, rate: 300n }],
  throttleWriteIOPSDevice: [{ ...device, rate: 400n }],
};
const v1 = (blockIO: BlockIoResources, ...files: string[]) =>
  applied(1, { blockIO }, empty(...files));
const v2 = (blockIO: BlockIoResources, ...files: string[]) =>
  applied(2, { blockIO }, empty("io.max", ...files));

test("throttles", () => {
  const files = ["read_bps", "write_bps", "read_iops", "write_iops"];
  expect(v1(throttles, ...files.map((name) => `blkio.throttle.${name}_device`))).toEqual([
    "blkio.throttle.read_bps_device 8:16 1048576",
    "blkio.throttle.read_bps_device 259:0 0",
    "blkio.throttle.write_bps_device 8:16 18446744073709551615",
    "blkio.throttle.read_iops_device 8:16 300",
    "blkio.throttle.write_iops_device 8:16 400",
  ]);
  expect(v2(throttles)).toEqual([
    "io.max 8:16 rbps=1048576",
    "io.max 259:0 rbps=max", // version 1's 0 is no limit, which version 2 refuses
    "io.max 8:16 wbps=18446744073709551615",
    "io.max 8:16 riops=300",
    "io.max 8:16 wiops=400",
  ]);
});

const weights: BlockIoResources = {
  weight: 500,
  weightDevice: [
    { ...device, weight: 1000 },
    { major: 8, minor: 0 },
  ],
};

test("weights of the CFQ and the BFQ scheduler", () => {
  const leaf = { ...weights, leafWeight: 30, weightDevice: [{ ...device, leafWeight: 20 }] };
  const cfq = ["weight", "weight_device", "leaf_weight", "leaf_weight_device"];
  expect(v1(leaf, ...cfq.map((name) => `blkio.${name}`))).toEqual([
    "blkio.weight 500",
    "blkio.leaf_weight 30",
    "blkio.leaf_weight_device 8:16 20",
  ]);
  expect(v1(weights, "blkio.bfq.weight", "blkio.bfq.weight_device")).toEqual([
    "blkio.bfq.weight 500",
    "blkio.bfq.weight_device 8:16 1000",
  ]);
  expect(v2(weights, "io.bfq.weight", "io.weight")).toEqual([
    "io.bfq.weight default 500",
    "io.bfq.weight 8:16 1000",
  ]);
  expect(v2(weights, "io.weight")).toEqual(["io.weight default 4950", "io.weight 8:16 10000"]);
  expect(() => v1(weights)).toThrow("blkio.weight`: the kernel has no such limit here");
  expect(() => v2(weights)).toThrow("io.weight");
});

test("leaf weights are CFQ's, of version 1", () => {
  expect(v2({ leafWeight: 5 })).toEqual([]);
  const both = { ...weights, weightDevice: [{ ...device, weight: 1000, leafWeight: 5 }] };
  expect(v2(both, "io.weight")).toEqual(v2(weights, "io.weight"));
});

test("zeros and empty lists ask for nothing", () => {
  const nothing = { weight: 0, leafWeight: 0, weightDevice: [], throttleReadBpsDevice: [] };
  expect(v1(nothing)).toEqual([]);
  expect(v2(nothing)).toEqual([]);
});

test("io.weight takes ten times as much", () => {
  expect([10, 11, 500, 1000].map(ioWeight)).toEqual(["1", "11", "4950", "10000"]);
  for (const weight of [9, 1001]) expect(() => ioWeight(weight)).toThrow("expected 10 to 1000");
});
