// SPDX-License-Identifier: Apache-2.0
/**
 * EPID quotes, versions 1 and 2 (Intel, `sgx_quote.h`). Only Intel's service could verify them; what
 * is read here is compared with that service's signed answer.
 *
 *   @0 version u16 | @2 sign type u16 | @4 GID 4 | @8 QE SVN u16 | @10 PCE SVN u16 | @12 XEID u32
 *   @16 BASENAME 32 | @48 REPORT body 384 | @432 signature size u32 | @436 signature
 */
import { viewOf } from "../../sgx/bytes.ts";
import { parseReportBody, type ReportBody } from "../../sgx/report.ts";
import { formatError } from "../error.ts";

/** What IAS signs of a quote: all before the signature's size. */
export const EPID_BODY_BYTES = 432;
const SIGNATURE_OFFSET = 436;

export type EpidQuoteBody = {
  readonly version: number;
  readonly signType: "unlinkable" | "linkable";
  readonly groupId: Uint8Array;
  readonly qeSvn: number;
  readonly pceSvn: number;
  readonly extendedGroupId: number;
  readonly basename: Uint8Array;
  readonly report: ReportBody;
};

export type EpidQuote = EpidQuoteBody & { readonly signatureBytes: number };

/** A whole quote: the signature's size must account for the rest. */
export function parseEpidQuote(bytes: Uint8Array): EpidQuote {
  if (bytes.length < SIGNATURE_OFFSET) {
    throw formatError("EPID quote", `${bytes.length} bytes, fewer than ${SIGNATURE_OFFSET}`);
  }
  const signatureBytes = viewOf(bytes).getUint32(EPID_BODY_BYTES, true);
  if (SIGNATURE_OFFSET + signatureBytes !== bytes.length) {
    const left = bytes.length - SIGNATURE_OFFSET;
    throw formatError(
      "EPID quote",
      `a signature of ${signatureBytes} bytes where ${left} are left`,
    );
  }
  return { ...parseEpidQuoteBody(bytes.subarray(0, EPID_BODY_BYTES)), signatureBytes };
}

export function parseEpidQuoteBody(bytes: Uint8Array): EpidQuoteBody {
  const what = "EPID quote body";
  if (bytes.length !== EPID_BODY_BYTES) {
    throw formatError(what, `${bytes.length} bytes instead of ${EPID_BODY_BYTES}`);
  }
  const view = viewOf(bytes);
  const version = view.getUint16(0, true);
  const signType = view.getUint16(2, true);
  if (version !== 1 && version !== 2) throw formatError(what, `version ${version}, not 1 or 2`);
  if (signType > 1) throw formatError(what, `sign type ${signType}, neither 0 nor 1`);
  return {
    version,
    signType: signType === 1 ? "linkable" : "unlinkable",
    groupId: bytes.slice(4, 8),
    qeSvn: view.getUint16(8, true),
    pceSvn: view.getUint16(10, true),
    extendedGroupId: view.getUint32(12, true),
    basename: bytes.slice(16, 48),
    report: parseReportBody(bytes.subarray(48, EPID_BODY_BYTES)),
  };
}
