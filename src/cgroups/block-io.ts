// SPDX-License-Identifier: Apache-2.0
/** Block devices: the controller `blkio` of version 1, `io` of version 2. */
import type { BlockIoThrottle, BlockIoWeight } from "../oci/config-resources.ts";
import { type Controller, firstAsked, invalid, isSet } from "./controller.ts";
import type { LimitFiles } from "./limit-files.ts";

/** Throttles by their field: the file of version 1, the key in io.max of version 2. */
const throttles = [
  ["throttleReadBpsDevice", "blkio.throttle.read_bps_device", "rbps"],
  ["throttleWriteBpsDevice", "blkio.throttle.write_bps_device", "wbps"],
  ["throttleReadIOPSDevice", "blkio.throttle.read_iops_device", "riops"],
  ["throttleWriteIOPSDevice", "blkio.throttle.write_iops_device", "wiops"],
] as const;

export const blockIo: Controller = {
  v1: "blkio",
  v2: "io",

  asked: ({ blockIO = {} }) =>
    firstAsked("blockIO", [
      ["weight", blockIO.weight],
      ["leafWeight", blockIO.leafWeight],
      ["weightDevice", blockIO.weightDevice?.length],
      ...throttles.map(([field]) => [field, blockIO[field]?.length] as const),
    ]),

  setV1: (files, { blockIO = {} }) => {
    const { weight, leafWeight, weightDevice = [] } = blockIO;
    // Kernels from 5.0 on have weights with the BFQ scheduler only, under names of its own.
    const bfq = files.read("blkio.bfq.weight") === undefined ? "" : "bfq.";
    if (isSet(weight)) files.write(`blkio.${bfq}weight`, String(weight));
    if (isSet(leafWeight)) files.write("blkio.leaf_weight", String(leafWeight));
    for (const device of weightDevice) {
      writeWeight(files, `blkio.${bfq}weight_device`, device, device.weight);
      writeWeight(files, "blkio.leaf_weight_device", device, device.leafWeight);
    }
    for (const [field, file] of throttles) {
      for (const throttle of blockIO[field] ?? []) {
        files.writeLine(file, numbersOf(throttle), String(throttle.rate), "0");
      }
    }
  },

  setV2: (files, { blockIO = {} }) => {
    const { weight, weightDevice = [] } = blockIO;
    if (isSet(weight) || weightDevice.length > 0) setWeights(files, weight, weightDevice);
    for (const [field, , key] of throttles) {
      for (const throttle of blockIO[field] ?? []) {
        const line = `${key}=${throttle.rate === 0n ? "max" : throttle.rate}`;
        files.writeLine("io.max", numbersOf(throttle), line, noThrottle);
      }
    }
  },
};

const noThrottle = "rbps=max wbps=max riops=max wiops=max";

/** io.bfq.weight, where the BFQ scheduler is there, has version 1's range; io.weight a wider one. */
function setWeights(
  files: LimitFiles,
  weight: number | undefined,
  devices: readonly BlockIoWeight[],
): void {
  const hasBfq = files.read("io.bfq.weight") !== undefined;
  const [file, convert] = hasBfq ? ["io.bfq.weight", String] : ["io.weight", ioWeight];
  if (isSet(weight)) files.writeLine(file, "default", convert(weight), "100");
  for (const device of devices) {
    if (!isSet(device.weight)) continue;
    files.writeLine(file, numbersOf(device), convert(device.weight), "default");
  }
}

/** 10 to 1000 on 1 to 10000, linear, as in runc. */
export function ioWeight(weight: number): string {
  if (weight < 10 || weight > 1000) {
    throw invalid("blockIO.weight", weight, "expected 10 to 1000");
  }
  return String(1 + Math.floor(((weight - 10) * 9999) / 990));
}

function writeWeight(
  files: LimitFiles,
  file: string,
  device: BlockIoWeight,
  weight: number | undefined,
): void {
  if (isSet(weight)) files.writeLine(file, numbersOf(device), String(weight), "0");
}

function numbersOf({ major, minor }: BlockIoWeight | BlockIoThrottle): string {
  return `${major}:${minor}`;
}
