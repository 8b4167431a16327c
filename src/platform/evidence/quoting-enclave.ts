// SPDX-License-Identifier: Apache-2.0
/**
 * The simulated platform's quoting enclaves. There is no enclave: what one would be measured as is
 * the hash of a sentence, and its reports are made with the platform's keys.
 */
import { createHash } from "node:crypto";
import { AESM, aesmRefusal } from "../../aesm/errors.ts";
import { ATTRIBUTE, type Attributes, writeAttributes, XFRM_LEGACY } from "../../sgx/attributes.ts";
import { sameBytes, viewOf } from "../../sgx/bytes.ts";
import { REPORT_BODY_BYTES, REPORT_BYTES } from "../../sgx/report.ts";
import { encodeTargetInfo, parseTargetInfo } from "../../sgx/targetinfo.ts";
import type { PlatformKeys } from "../keys.ts";

export type QuotingEnclaveIdentity = {
  readonly mrenclave: Uint8Array;
  readonly mrsigner: Uint8Array;
  readonly isvProdId: number;
  readonly isvSvn: number;
};

/** PROVISION_KEY, as Intel's: the quoting enclave certifies its key with one. */
const ATTRIBUTES: Attributes = {
  flags: ATTRIBUTE.INIT | ATTRIBUTE.MODE64BIT | ATTRIBUTE.PROVISIONKEY,
  xfrm: XFRM_LEGACY,
};

const SIGNER = named("SIMULATION quoting enclave's signer");

export const ECDSA_ENCLAVE: QuotingEnclaveIdentity = {
  mrenclave: named("SIMULATION quoting enclave for ECDSA"),
  mrsigner: SIGNER,
  isvProdId: 1,
  isvSvn: 8,
};

export const EPID_ENCLAVE: QuotingEnclaveIdentity = {
  mrenclave: named("SIMULATION quoting enclave for EPID"),
  mrsigner: SIGNER,
  isvProdId: 2,
  isvSvn: 12,
};

/** What the two kinds of quoting need alike; `AesmPlatform` says what each is. */
export function quotingEnclave(keys: PlatformKeys, identity: QuotingEnclaveIdentity) {
  const own = targetOf(identity);
  return {
    qeSvn: identity.isvSvn,
    targetInfo: () => own,
    checkReport: (report: Uint8Array): boolean =>
      report.length === REPORT_BYTES &&
      sameBytes(
        keys.reportMac(report.subarray(0, REPORT_BODY_BYTES), report.subarray(384, 416), own),
        report.subarray(416),
      ),
    reportFor: (target: Uint8Array, reportData: Uint8Array): Uint8Array => {
      requireTarget(target);
      const body = reportBody(keys, identity, reportData);
      const report = new Uint8Array(REPORT_BYTES);
      report.set(body);
      report.set(keys.reportKeyId, 384);
      report.set(keys.reportMac(body, keys.reportKeyId, target), 416);
      return report;
    },
  };
}

/** The first 384 bytes of a quoting enclave's report. */
export function reportBody(
  keys: PlatformKeys,
  identity: QuotingEnclaveIdentity,
  reportData: Uint8Array,
): Uint8Array {
  const body = new Uint8Array(REPORT_BODY_BYTES);
  const view = viewOf(body);
  body.set(keys.cpuSvn);
  writeAttributes(body, 48, ATTRIBUTES);
  body.set(identity.mrenclave, 64);
  body.set(identity.mrsigner, 128);
  view.setUint16(256, identity.isvProdId, true);
  view.setUint16(258, identity.isvSvn, true);
  body.set(reportData, 320);
  return body;
}

function targetOf({ mrenclave }: QuotingEnclaveIdentity): Uint8Array {
  return encodeTargetInfo({
    measurement: mrenclave,
    attributes: ATTRIBUTES,
    cetAttributes: 0,
    configSvn: 0,
    miscSelect: 0,
    configId: new Uint8Array(64),
  });
}

/** EREPORT faults where a reserved byte of TARGETINFO is set. */
function requireTarget(target: Uint8Array): void {
  try {
    parseTargetInfo(target);
  } catch {
    throw aesmRefusal(
      AESM.noQeReport,
      "make the quoting enclave's report",
      "the TARGETINFO is none",
    );
  }
}

function named(sentence: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(sentence).digest());
}
