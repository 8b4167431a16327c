// SPDX-License-Identifier: Apache-2.0
/**
 * ECDSA quotes of versions 3, 4 and 5 (Intel, "SGX ECDSA QuoteLibReference DCAP API" A.4 and "TDX
 * DCAP Quoting Library API" A.3).
 *
 *   header 48: @0 version u16 | @2 key type u16 | @4 TEE type u32 | @8 QE SVN u16 | @10 PCE SVN u16
 *              @12 QE vendor 16 | @28 user data 20
 *   version 5: body type u16, body size u32
 *   body:      SGX report body 384, TD report 584 or 648
 *   signature data size u32, then
 *     @0 signature 64, over all bytes before the size | @64 attestation key 64 | the QE's part:
 *     version 3:   QE report 384 | signature of it 64 | u16 size and authentication data | certification
 *     version 4-5: certification data of type 6, whose data is that same QE's part
 *
 * What a size announces must be used up exactly; what follows the quote is the caller's choice.
 */
import { sameBytes, toHex, viewOf } from "../../sgx/bytes.ts";
import { parseReportBody, REPORT_BODY_BYTES, type ReportBody } from "../../sgx/report.ts";
import { attestError, formatError } from "../error.ts";
import {
  CERTIFICATION_TYPE,
  type Certification,
  takeCertification,
  takeData,
} from "./certification.ts";
import { type Cursor, cursor } from "./cursor.ts";
import { parseTdReport, TD_REPORT_15_BYTES, TD_REPORT_BYTES, type TdReport } from "./td-report.ts";

export type QuoteBody =
  | { readonly tee: "sgx"; readonly report: ReportBody }
  | { readonly tee: "tdx"; readonly td: TdReport };

/** The part of a quote that the quoting enclave and its certificate make up. */
export type QuotingEnclave = {
  readonly report: ReportBody;
  /** The 384 bytes that the PCK signed. */
  readonly reportBytes: Uint8Array;
  readonly reportSignature: Uint8Array;
  readonly authenticationData: Uint8Array;
  readonly certification: Certification;
};

export type Quote = {
  readonly version: 3 | 4 | 5;
  readonly qeSvn: number;
  readonly pceSvn: number;
  readonly qeVendorId: Uint8Array;
  readonly userData: Uint8Array;
  readonly body: QuoteBody;
  /** Header to body: what `signature` covers. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  /** x || y of the key that signed the quote. */
  readonly attestationKey: Uint8Array;
  readonly qe: QuotingEnclave;
  /** Length of the quote itself, and how many bytes follow it. */
  readonly bytes: number;
  readonly trailingBytes: number;
};

export type QuoteParsing = {
  /** Some producers hand out the whole buffer the quote was written into. */
  readonly allowTrailing?: boolean;
};

/** Longest file looked at: a quote is about 5 kilobytes, with a manifest 40. */
export const LONGEST_QUOTE_BYTES = 4 << 20;

const HEADER_BYTES = 48;
const KEY_TYPE_P256 = 2;
const TEE_SGX = 0;
const TEE_TDX = 0x81;
/** 939A7233-F79C-4CA9-940A-0DB3957F0607, Intel's quoting enclaves. */
const INTEL_QE_VENDOR = Uint8Array.from(Buffer.from("939a7233f79c4ca9940a0db3957f0607", "hex"));

export function parseQuote(bytes: Uint8Array, { allowTrailing = false }: QuoteParsing = {}): Quote {
  const what = "quote";
  if (bytes.length > LONGEST_QUOTE_BYTES) {
    throw formatError(what, `${bytes.length} bytes, more than ${LONGEST_QUOTE_BYTES}`);
  }
  const fields = cursor(bytes, what);
  const header = parseHeader(fields.take(HEADER_BYTES, "header"));
  const body = takeBody(fields, header.version, header.teeType);
  const signed = bytes.subarray(0, bytes.length - fields.left);
  const signatureData = fields.take(fields.u32("signature data size"), "signature data");
  const trailingBytes = fields.left;
  if (trailingBytes > 0 && !allowTrailing) {
    throw attestError(
      "ATTEST_FORMAT",
      `read ${what}`,
      `${trailingBytes} bytes follow the quote of ${bytes.length - trailingBytes}`,
      "allow trailing bytes if the file is a padded buffer",
    );
  }
  return {
    version: header.version,
    qeSvn: header.qeSvn,
    pceSvn: header.pceSvn,
    qeVendorId: header.qeVendorId,
    userData: header.userData,
    body,
    signed,
    ...parseSignatureData(signatureData, header.version),
    bytes: bytes.length - trailingBytes,
    trailingBytes,
  };
}

function parseHeader(bytes: Uint8Array) {
  const view = viewOf(bytes);
  const version = view.getUint16(0, true);
  const keyType = view.getUint16(2, true);
  const teeType = view.getUint32(4, true);
  if (version !== 3 && version !== 4 && version !== 5) {
    throw attestError("ATTEST_UNSUPPORTED", "read quote", `version ${version}, not 3, 4 or 5`);
  }
  if (keyType !== KEY_TYPE_P256) {
    throw attestError(
      "ATTEST_UNSUPPORTED",
      "read quote",
      `attestation key type ${keyType}, not 2 (ECDSA P-256)`,
    );
  }
  // In version 3 the field is reserved, and that version is only of SGX.
  if (teeType !== TEE_SGX && (teeType !== TEE_TDX || version === 3)) {
    throw attestError("ATTEST_UNSUPPORTED", "read quote", `TEE type 0x${teeType.toString(16)}`);
  }
  const qeVendorId = bytes.slice(12, 28);
  if (!sameBytes(qeVendorId, INTEL_QE_VENDOR)) {
    throw attestError(
      "ATTEST_UNSUPPORTED",
      "read quote",
      `QE vendor ${toHex(qeVendorId)}, not Intel`,
    );
  }
  return {
    version,
    teeType,
    qeSvn: view.getUint16(8, true),
    pceSvn: view.getUint16(10, true),
    qeVendorId,
    userData: bytes.slice(28, 48),
  } as const;
}

/** Body types of version 5. */
const BODY_V5 = [
  { type: 1, tee: TEE_SGX, bytes: REPORT_BODY_BYTES },
  { type: 2, tee: TEE_TDX, bytes: TD_REPORT_BYTES },
  { type: 3, tee: TEE_TDX, bytes: TD_REPORT_15_BYTES },
] as const;

function takeBody(fields: Cursor, version: number, teeType: number): QuoteBody {
  let size = teeType === TEE_SGX ? REPORT_BODY_BYTES : TD_REPORT_BYTES;
  if (version === 5) {
    const type = fields.u16("body type");
    const announced = fields.u32("body size");
    const known = BODY_V5.find((body) => body.type === type);
    if (known === undefined) {
      throw attestError("ATTEST_UNSUPPORTED", "read quote", `body type ${type}`);
    }
    if (known.bytes !== announced || known.tee !== teeType) {
      throw formatError(
        "quote",
        `body type ${type} with ${announced} bytes and TEE type 0x${teeType.toString(16)}`,
      );
    }
    size = known.bytes;
  }
  const bytes = fields.take(size, "body");
  return teeType === TEE_SGX
    ? { tee: "sgx", report: parseReportBody(bytes) }
    : { tee: "tdx", td: parseTdReport(bytes) };
}

function parseSignatureData(
  bytes: Uint8Array,
  version: number,
): Pick<Quote, "signature" | "attestationKey" | "qe"> {
  const what = "quote signature data";
  const fields = cursor(bytes, what);
  const signature = fields.take(64, "signature").slice();
  const attestationKey = fields.take(64, "attestation key").slice();
  let part = fields;
  if (version > 3) {
    const type = fields.u16("certification data type");
    if (type !== CERTIFICATION_TYPE.qeReport) {
      throw formatError(what, `outer certification data of type ${type}, not 6`);
    }
    part = cursor(takeData(fields), what);
  }
  const qe = takeQuotingEnclave(part, what);
  if (part.left + fields.left > 0) {
    throw formatError(what, `${part.left + fields.left} bytes too many`);
  }
  return { signature, attestationKey, qe };
}

function takeQuotingEnclave(fields: Cursor, what: string): QuotingEnclave {
  const reportBytes = fields.take(REPORT_BODY_BYTES, "QE report").slice();
  return {
    report: parseReportBody(reportBytes),
    reportBytes,
    reportSignature: fields.take(64, "QE report signature").slice(),
    authenticationData: fields.take(fields.u16("QE authentication data size"), "QE data").slice(),
    certification: takeCertification(fields, what),
  };
}
