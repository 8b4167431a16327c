// SPDX-License-Identifier: Apache-2.0
/**
 * SGX records as plain objects for people and programs: bytes as hexadecimal in memory order,
 * 64-bit masks as 0x numbers with the names of their bits beside them.
 */
import { RuneError } from "../errors/error.ts";
import { ATTRIBUTE, type Attributes, bitNames, XFRM } from "../sgx/attributes.ts";
import { toHex } from "../sgx/bytes.ts";
import { parseEinitToken } from "../sgx/einittoken.ts";
import { parseReport, type ReportBody } from "../sgx/report.ts";
import { measureSgxs } from "../sgx/sgxs.ts";
import { mrsigner, parseSigstruct } from "../sgx/sigstruct.ts";
import { parseSkeletonImage } from "../sgx/skeleton-image.ts";
import { parseTargetInfo } from "../sgx/targetinfo.ts";
import { verifySigstruct } from "../sgx/verify.ts";
import {
  describeCertificates,
  describeCrl,
  describeEpidQuote,
  describeIasReport,
  describeIdentityFile,
  describeQuote,
  describeTcbInfoFile,
} from "./describe-evidence.ts";
import { describeWasmEnclave } from "./describe-wasm.ts";

export const RECORD_TYPES = [
  "sigstruct",
  "einittoken",
  "report",
  "targetinfo",
  "image",
  "quote",
  "epid-quote",
  "certificate",
  "crl",
  "tcb-info",
  "qe-identity",
  "ias-report",
  "sgxs",
  "wasm-enclave",
] as const;
export type RecordType = (typeof RECORD_TYPES)[number];

export type Description = { readonly [name: string]: DescriptionValue };
type DescriptionValue = string | number | boolean | null | readonly string[] | Description;

export function describe(type: RecordType, bytes: Uint8Array): Description {
  switch (type) {
    case "sigstruct":
      return { type, ...describeSigstruct(bytes) };
    case "einittoken":
      return { type, ...describeToken(bytes) };
    case "report":
      return { type, ...describeReport(bytes) };
    case "targetinfo":
      return { type, ...describeTargetInfo(bytes) };
    case "image":
      return { type, ...describeImage(bytes) };
    case "sgxs":
      return { type, ...describeSgxs(bytes) };
    case "wasm-enclave":
      return { type, ...describeWasmEnclave(bytes) };
    case "quote":
      return { type, ...describeQuote(bytes) };
    case "epid-quote":
      return { type, ...describeEpidQuote(bytes) };
    case "certificate":
      return { type, ...describeCertificates(bytes) };
    case "crl":
      return { type, ...describeCrl(bytes) };
    case "tcb-info":
      return { type, ...describeTcbInfoFile(bytes) };
    case "qe-identity":
      return { type, ...describeIdentityFile(bytes) };
    case "ias-report":
      return { type, ...describeIasReport(bytes) };
    default:
      return type satisfies never;
  }
}

/** `name  value` lines; nested objects as `name.inner`. */
export function descriptionLines(description: Description, prefix = ""): string[] {
  const rows = flatten(description, prefix);
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

/** Every value with its whole name: "attributes.flags". */
export function flatten(description: Description, prefix: string): (readonly [string, string])[] {
  return Object.entries(description).flatMap(([name, value]) => {
    if (value === null) return [[prefix + name, "none"] as const];
    if (isStringList(value)) return [[prefix + name, value.join(" ") || "none"] as const];
    if (typeof value === "object") return flatten(value, `${prefix}${name}.`);
    return [[prefix + name, String(value)] as const];
  });
}

function isStringList(value: DescriptionValue): value is readonly string[] {
  return Array.isArray(value);
}

function describeSigstruct(bytes: Uint8Array): Description {
  const sigstruct = parseSigstruct(bytes);
  const fault = signatureFault(bytes);
  return {
    mrenclave: toHex(sigstruct.enclaveHash),
    mrsigner: toHex(mrsigner(sigstruct.modulus)),
    signatureValid: fault === null,
    signatureFault: fault,
    debugType: sigstruct.type !== 0,
    vendor: hex(sigstruct.vendor),
    date: sigstruct.date.toString(16).padStart(8, "0"),
    swDefined: hex(sigstruct.swDefined),
    attributes: describeAttributes(sigstruct.attributes),
    attributeMask: describeAttributes(sigstruct.attributeMask),
    miscSelect: hex(sigstruct.miscSelect),
    miscMask: hex(sigstruct.miscMask),
    cetAttributes: hex(sigstruct.cetAttributes),
    cetAttributesMask: hex(sigstruct.cetAttributesMask),
    isvProdId: sigstruct.isvProdId,
    isvSvn: sigstruct.isvSvn,
    isvFamilyId: toHex(sigstruct.isvFamilyId),
    isvExtProdId: toHex(sigstruct.isvExtProdId),
    exponent: sigstruct.exponent,
    modulus: toHex(sigstruct.modulus),
    signature: toHex(sigstruct.signature),
    q1: toHex(sigstruct.q1),
    q2: toHex(sigstruct.q2),
  };
}

function signatureFault(bytes: Uint8Array): string | null {
  try {
    verifySigstruct(bytes);
    return null;
  } catch (error) {
    if (error instanceof RuneError) return error.reason;
    throw error;
  }
}

function describeToken(bytes: Uint8Array): Description {
  const token = parseEinitToken(bytes);
  return {
    valid: token.valid,
    attributes: describeAttributes(token.attributes),
    mrenclave: toHex(token.mrenclave),
    mrsigner: toHex(token.mrsigner),
    launchCpuSvn: toHex(token.launchCpuSvn),
    launchIsvProdId: token.launchIsvProdId,
    launchIsvSvn: token.launchIsvSvn,
    launchMaskedMiscSelect: hex(token.launchMaskedMiscSelect),
    launchMaskedAttributes: describeAttributes(token.launchMaskedAttributes),
    keyId: toHex(token.keyId),
    mac: toHex(token.mac),
  };
}

function describeReport(bytes: Uint8Array): Description {
  const report = parseReport(bytes);
  return { ...describeReportBody(report), keyId: toHex(report.keyId), mac: toHex(report.mac) };
}

/** What reports and quotes say about their enclave. */
export function describeReportBody(report: ReportBody): Description {
  return {
    mrenclave: toHex(report.mrenclave),
    mrsigner: toHex(report.mrsigner),
    reportData: toHex(report.reportData),
    attributes: describeAttributes(report.attributes),
    miscSelect: hex(report.miscSelect),
    cetAttributes: hex(report.cetAttributes),
    isvProdId: report.isvProdId,
    isvSvn: report.isvSvn,
    configSvn: report.configSvn,
    configId: toHex(report.configId),
    isvFamilyId: toHex(report.isvFamilyId),
    isvExtProdId: toHex(report.isvExtProdId),
    cpuSvn: toHex(report.cpuSvn),
  };
}

function describeSgxs(bytes: Uint8Array): Description {
  const found = measureSgxs(bytes);
  return {
    mrenclave: toHex(found.mrenclave),
    enclaveBytes: Number(found.enclaveBytes),
    ssaFramePages: found.ssaFramePages,
    pages: found.pages,
    measuredChunks: found.measuredChunks,
    unmeasuredChunks: found.unmeasuredChunks,
  };
}

function describeTargetInfo(bytes: Uint8Array): Description {
  const target = parseTargetInfo(bytes);
  return {
    mrenclave: toHex(target.measurement),
    attributes: describeAttributes(target.attributes),
    miscSelect: hex(target.miscSelect),
    cetAttributes: hex(target.cetAttributes),
    configSvn: target.configSvn,
    configId: toHex(target.configId),
  };
}

function describeImage(bytes: Uint8Array): Description {
  const { pages, metadata, pageNote } = parseSkeletonImage(bytes);
  return {
    imageBytes: pages.length,
    maxMmapSize: Number(metadata.maxMmapSize),
    nullDereferenceProtection: metadata.nullDereferenceProtection,
    mmapMinAddr: hex(metadata.mmapMinAddr),
    pageNote:
      pageNote === undefined
        ? null
        : {
            code: `${hex(pageNote.codeStart)}-${hex(pageNote.codeEnd)}`,
            data: `${hex(pageNote.dataStart)}-${hex(pageNote.dataEnd)}`,
          },
  };
}

function describeAttributes(attributes: Attributes): Description {
  return {
    flags: hex(attributes.flags),
    flagNames: bitNames(attributes.flags, ATTRIBUTE),
    xfrm: hex(attributes.xfrm),
    xfrmNames: bitNames(attributes.xfrm, XFRM),
  };
}

/** A number as 0x text. */
export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}
