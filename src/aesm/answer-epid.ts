// SPDX-License-Identifier: Apache-2.0
/** Requests 1 and 2: the EPID quoting enclave. */
import { createHash } from "node:crypto";
import { readAttributes } from "../sgx/attributes.ts";
import { viewOf } from "../sgx/bytes.ts";
import { REPORT_BYTES } from "../sgx/report.ts";
import { encodeTargetInfo, TARGETINFO_BYTES } from "../sgx/targetinfo.ts";
import { AESM } from "./errors.ts";
import type { EpidQuoting } from "./platform.ts";
import { epidSignedPart, joinQuote } from "./quote-bytes.ts";
import { produced, require, requireBytes } from "./requirements.ts";
import type { RequestOf, ResponseOf } from "./schema.ts";

const SPID_BYTES = 16;
export const NONCE_BYTES = 16;
/** More than any quote; a client cannot make the service allocate what it likes. */
const LARGEST_BUFFER_BYTES = 1 << 18;

export async function answerEpidInit(epid: EpidQuoting): Promise<ResponseOf<"initQuote">> {
  const targetInfo = produced(await epid.targetInfo(), TARGETINFO_BYTES, "TARGETINFO");
  return { errorCode: AESM.success, targetInfo, gid: produced(epid.groupId, 4, "GID") };
}

export async function answerEpidQuote(
  epid: EpidQuoting,
  request: RequestOf<"getQuote">,
): Promise<ResponseOf<"getQuote">> {
  const { report, quoteType, spid, nonce, sigRl, bufSize, qeReport: wantsReport = false } = request;
  requireBytes(report, REPORT_BYTES, "report");
  requireBytes(spid, SPID_BYTES, "spid");
  if (nonce !== undefined) requireBytes(nonce, NONCE_BYTES, "nonce");
  require(quoteType <= 1, AESM.parameter, "read field `quote_type`");
  require(!wantsReport || nonce !== undefined, AESM.parameter, "read field `qe_report`");
  require(bufSize <= LARGEST_BUFFER_BYTES, AESM.parameter, "read field `buf_size`");
  require(await epid.checkReport(report), AESM.parameter, "check the report");

  const signedPart = epidSignedPart(epid, quoteType === 1, spid, report);
  const quote = joinQuote(signedPart, await epid.sign(signedPart, sigRl));
  require(quote.length <= bufSize, AESM.parameter, "fill the buffer");
  const buffer = new Uint8Array(bufSize);
  buffer.set(quote);
  if (!wantsReport || nonce === undefined) return { errorCode: AESM.success, quote: buffer };
  const qeReport = await epid.reportFor(targetOf(report), quoteDigest(nonce, quote));
  return {
    errorCode: AESM.success,
    quote: buffer,
    qeReport: produced(qeReport, REPORT_BYTES, "REPORT"),
  };
}

/** REPORTDATA by which a quoting enclave vouches for a quote: SHA-256(nonce, quote), zeros. */
export function quoteDigest(nonce: Uint8Array, quote: Uint8Array): Uint8Array {
  const data = new Uint8Array(64);
  data.set(createHash("sha256").update(nonce).update(quote).digest());
  return data;
}

/** The TARGETINFO of the enclave that a report is about. */
function targetOf(report: Uint8Array): Uint8Array {
  const view = viewOf(report);
  return encodeTargetInfo({
    measurement: report.slice(64, 96),
    attributes: readAttributes(report, 48),
    cetAttributes: view.getUint8(20),
    configSvn: view.getUint16(260, true),
    miscSelect: view.getUint32(16, true),
    configId: report.slice(192, 256),
  });
}
