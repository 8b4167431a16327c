// SPDX-License-Identifier: Apache-2.0
/** Requests 15 to 17, 19, 21 and 22: the ECDSA quoting enclave and its one key. */
import { createHash } from "node:crypto";
import { REPORT_BYTES } from "../sgx/report.ts";
import { TARGETINFO_BYTES } from "../sgx/targetinfo.ts";
import { NONCE_BYTES, quoteDigest } from "./answer-epid.ts";
import { ATT_KEY_ID_BYTES, readAttKeyIdList, sameAttKey } from "./att-key.ts";
import { AESM } from "./errors.ts";
import type { CertifiedKey, EcdsaQuoting } from "./platform.ts";
import { ecdsaQuoteBytes, ecdsaSignatureData, ecdsaSignedPart, joinQuote } from "./quote-bytes.ts";
import { produced, require, requireBytes } from "./requirements.ts";
import type { RequestOf, ResponseOf } from "./schema.ts";

/** A key's id is the SHA-256 of its public part. */
const PUB_KEY_ID_BYTES = 32;
const QE_REPORT_INFO_BYTES = NONCE_BYTES + TARGETINFO_BYTES + REPORT_BYTES;
const INFO_REPORT_OFFSET = NONCE_BYTES + TARGETINFO_BYTES;

export async function answerInitQuoteEx(
  ecdsa: EcdsaQuoting,
  request: RequestOf<"initQuoteEx">,
): Promise<ResponseOf<"initQuoteEx">> {
  requireKeyId(ecdsa, request.attKeyId);
  const pubKeyIdSize = BigInt(PUB_KEY_ID_BYTES);
  // The first of two calls asks for the size only, and gets no TARGETINFO from Intel's either.
  if (!request.wantPubKeyId) return { errorCode: AESM.success, pubKeyIdSize };
  require(request.bufSize === pubKeyIdSize, AESM.parameter, "read field `buf_size`");
  const { publicKey } = await ecdsa.initialise();
  return {
    errorCode: AESM.success,
    targetInfo: produced(await ecdsa.targetInfo(), TARGETINFO_BYTES, "TARGETINFO"),
    pubKeyIdSize,
    pubKeyId: Uint8Array.from(createHash("sha256").update(publicKey).digest()),
  };
}

export function answerQuoteSizeEx(
  ecdsa: EcdsaQuoting,
  request: RequestOf<"getQuoteSizeEx">,
): ResponseOf<"getQuoteSizeEx"> {
  requireKeyId(ecdsa, request.attKeyId);
  return { errorCode: AESM.success, quoteSize: ecdsaQuoteBytes(readyKey(ecdsa)) };
}

export async function answerQuoteEx(
  ecdsa: EcdsaQuoting,
  request: RequestOf<"getQuoteEx">,
): Promise<ResponseOf<"getQuoteEx">> {
  const { report, attKeyId, qeReportInfo: info, bufSize } = request;
  requireBytes(report, REPORT_BYTES, "report");
  requireKeyId(ecdsa, attKeyId);
  if (info !== undefined) requireBytes(info, QE_REPORT_INFO_BYTES, "qe_report_info");
  const key = readyKey(ecdsa);
  require(bufSize === ecdsaQuoteBytes(key), AESM.parameter, "read field `buf_size`");
  require(await ecdsa.checkReport(report), AESM.invalidReport, "check the report");

  const signedPart = ecdsaSignedPart(ecdsa, report);
  const signature = await key.sign(signedPart);
  const quote = joinQuote(signedPart, ecdsaSignatureData(key, signature));
  if (info === undefined) return { errorCode: AESM.success, quote };
  return { errorCode: AESM.success, quote, qeReportInfo: await vouch(ecdsa, info, quote) };
}

export function answerSelectKey(
  ecdsa: EcdsaQuoting,
  { attKeyIdList: list }: RequestOf<"selectAttKeyId">,
): ResponseOf<"selectAttKeyId"> {
  if (list !== undefined && list.length > 0) {
    const accepted = readAttKeyIdList(list);
    require(accepted !== undefined, AESM.parameter, "read field `att_key_id_list`");
    const fits = accepted.some((id) => sameAttKey(id, ecdsa.attKeyId));
    require(fits, AESM.unsupportedKeyId, "select an attestation key");
  }
  return { errorCode: AESM.success, selectedAttKeyId: ecdsa.attKeyId };
}

export function answerSupportedKeys(
  ecdsa: EcdsaQuoting,
  { bufSize }: RequestOf<"getSupportedAttKeyIds">,
): ResponseOf<"getSupportedAttKeyIds"> {
  require(bufSize >= ATT_KEY_ID_BYTES, AESM.parameter, "read field `buf_size`");
  return { errorCode: AESM.success, attKeyIds: ecdsa.attKeyId };
}

/** The caller's nonce and target with the quoting enclave's report about the quote. */
async function vouch(
  ecdsa: EcdsaQuoting,
  info: Uint8Array,
  quote: Uint8Array,
): Promise<Uint8Array> {
  const nonce = info.subarray(0, NONCE_BYTES);
  const target = info.subarray(NONCE_BYTES, INFO_REPORT_OFFSET);
  const report = await ecdsa.reportFor(target, quoteDigest(nonce, quote));
  const filled = info.slice();
  filled.set(produced(report, REPORT_BYTES, "REPORT"), INFO_REPORT_OFFSET);
  return filled;
}

function requireKeyId(ecdsa: EcdsaQuoting, attKeyId: Uint8Array | undefined): void {
  requireBytes(attKeyId, ATT_KEY_ID_BYTES, "att_key_id");
  require(sameAttKey(attKeyId, ecdsa.attKeyId), AESM.unsupportedKeyId, "find the attestation key");
}

function readyKey(ecdsa: EcdsaQuoting): CertifiedKey {
  const key = ecdsa.key();
  require(key !== undefined, AESM.keyNotInitialized, "use the attestation key");
  return key;
}
