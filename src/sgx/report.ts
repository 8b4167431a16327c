// SPDX-License-Identifier: Apache-2.0
/**
 * REPORT: what EREPORT states about its enclave, 432 bytes (SDM vol. 3D, 34.17). Its first 384
 * bytes, the body, are what quotes carry too.
 *
 *   @0 CPUSVN 16 | @16 MISCSELECT u32 | @20 CET_ATTRIBUTES u8 | @32 ISVEXTPRODID 16
 *   @48 ATTRIBUTES 16 | @64 MRENCLAVE 32 | @128 MRSIGNER 32 | @192 CONFIGID 64
 *   @256 ISVPRODID u16 | @258 ISVSVN u16 | @260 CONFIGSVN u16 | @304 ISVFAMILYID 16
 *   @320 REPORTDATA 64 | @384 KEYID 32 | @416 MAC 16 (AES-128-CMAC, the target's report key)
 *
 * The rest is reserved and zero.
 */
import { type Attributes, readAttributes, writeAttributes } from "./attributes.ts";
import { requireSize, requireZero, viewOf } from "./bytes.ts";

export const REPORT_BODY_BYTES = 384;
export const REPORT_BYTES = 432;

export type ReportBody = {
  readonly cpuSvn: Uint8Array;
  readonly miscSelect: number;
  readonly cetAttributes: number;
  readonly isvExtProdId: Uint8Array;
  readonly attributes: Attributes;
  readonly mrenclave: Uint8Array;
  readonly mrsigner: Uint8Array;
  readonly configId: Uint8Array;
  readonly isvProdId: number;
  readonly isvSvn: number;
  readonly configSvn: number;
  readonly isvFamilyId: Uint8Array;
  readonly reportData: Uint8Array;
};

/** A report; nobody but its target can tell whether the MAC holds. */
export type Report = ReportBody & { readonly keyId: Uint8Array; readonly mac: Uint8Array };

export function parseReport(bytes: Uint8Array): Report {
  requireSize(bytes, REPORT_BYTES, "REPORT");
  return {
    ...parseReportBody(bytes.subarray(0, REPORT_BODY_BYTES)),
    keyId: bytes.slice(384, 416),
    mac: bytes.slice(416, 432),
  };
}

export function parseReportBody(bytes: Uint8Array): ReportBody {
  const what = "REPORT body";
  requireSize(bytes, REPORT_BODY_BYTES, what);
  requireZero(bytes, 21, 32, what);
  requireZero(bytes, 96, 128, what);
  requireZero(bytes, 160, 192, what);
  requireZero(bytes, 262, 304, what);
  const view = viewOf(bytes);
  return {
    cpuSvn: bytes.slice(0, 16),
    miscSelect: view.getUint32(16, true),
    cetAttributes: view.getUint8(20),
    isvExtProdId: bytes.slice(32, 48),
    attributes: readAttributes(bytes, 48),
    mrenclave: bytes.slice(64, 96),
    mrsigner: bytes.slice(128, 160),
    configId: bytes.slice(192, 256),
    isvProdId: view.getUint16(256, true),
    isvSvn: view.getUint16(258, true),
    configSvn: view.getUint16(260, true),
    isvFamilyId: bytes.slice(304, 320),
    reportData: bytes.slice(320, 384),
  };
}

export function encodeReportBody(body: ReportBody): Uint8Array {
  const bytes = new Uint8Array(REPORT_BODY_BYTES);
  const view = viewOf(bytes);
  const fields = [
    [0, 16, body.cpuSvn],
    [32, 16, body.isvExtProdId],
    [64, 32, body.mrenclave],
    [128, 32, body.mrsigner],
    [192, 64, body.configId],
    [304, 16, body.isvFamilyId],
    [320, 64, body.reportData],
  ] as const;
  for (const [offset, size, value] of fields) {
    requireSize(value, size, `REPORT's field at ${offset}`);
    bytes.set(value, offset);
  }
  view.setUint32(16, body.miscSelect, true);
  view.setUint8(20, body.cetAttributes);
  writeAttributes(bytes, 48, body.attributes);
  view.setUint16(256, body.isvProdId, true);
  view.setUint16(258, body.isvSvn, true);
  view.setUint16(260, body.configSvn, true);
  return bytes;
}
