// SPDX-License-Identifier: Apache-2.0
/**
 * TARGETINFO: the enclave a report is made for, 512 bytes (SDM vol. 3D, 34.16).
 *
 *   @0 MEASUREMENT 32 | @32 ATTRIBUTES 16 | @48 CET_ATTRIBUTES u8 | @50 CONFIGSVN u16
 *   @52 MISCSELECT u32 | @64 CONFIGID 64
 *
 * The rest is reserved and zero. In memory EREPORT wants it aligned to 512 bytes.
 */
import { type Attributes, readAttributes, writeAttributes } from "./attributes.ts";
import { requireSize, requireZero, viewOf } from "./bytes.ts";

export const TARGETINFO_BYTES = 512;

export type TargetInfo = {
  readonly measurement: Uint8Array;
  readonly attributes: Attributes;
  readonly cetAttributes: number;
  readonly configSvn: number;
  readonly miscSelect: number;
  readonly configId: Uint8Array;
};

export function parseTargetInfo(bytes: Uint8Array): TargetInfo {
  const what = "TARGETINFO";
  requireSize(bytes, TARGETINFO_BYTES, what);
  requireZero(bytes, 49, 50, what);
  requireZero(bytes, 56, 64, what);
  requireZero(bytes, 128, 512, what);
  const view = viewOf(bytes);
  return {
    measurement: bytes.slice(0, 32),
    attributes: readAttributes(bytes, 32),
    cetAttributes: view.getUint8(48),
    configSvn: view.getUint16(50, true),
    miscSelect: view.getUint32(52, true),
    configId: bytes.slice(64, 128),
  };
}

export function encodeTargetInfo(target: TargetInfo): Uint8Array {
  requireSize(target.measurement, 32, "MEASUREMENT");
  requireSize(target.configId, 64, "CONFIGID");
  const bytes = new Uint8Array(TARGETINFO_BYTES);
  const view = viewOf(bytes);
  bytes.set(target.measurement, 0);
  writeAttributes(bytes, 32, target.attributes);
  view.setUint8(48, target.cetAttributes);
  view.setUint16(50, target.configSvn, true);
  view.setUint32(52, target.miscSelect, true);
  bytes.set(target.configId, 64);
  return bytes;
}
