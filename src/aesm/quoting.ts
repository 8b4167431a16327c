// SPDX-License-Identifier: Apache-2.0
/** What users want of the service, in the order of requests that docs/protocol/aesm.md gives. */
import { sameBytes, viewOf } from "../sgx/bytes.ts";
import { EINITTOKEN_BYTES } from "../sgx/einittoken.ts";
import { REPORT_BODY_BYTES } from "../sgx/report.ts";
import { TARGETINFO_BYTES } from "../sgx/targetinfo.ts";
import { ALGORITHM, ATT_KEY_ID_BYTES, algorithmOf, splitAttKeyIds } from "./att-key.ts";
import type { AesmClient } from "./client.ts";
import { AESM, aesmNumberOf, aesmRefusal, protocolError } from "./errors.ts";

/** A quote's head: @2 sign or key type | @16 basename of EPID | @48 REPORT body | @432 size u32. */
const REPORT_OFFSET = 48;
const QUOTE_HEAD_BYTES = 436;
/** What the original asked for; a quote without a revocation list has 1116 bytes. */
const EPID_BUFFER_BYTES = 2048;
/** No platform has more than a handful; a larger number is no count of keys. */
const MOST_KEYS = 64;
/** A key's id is a SHA-256. */
const LONGEST_PUB_KEY_ID_BYTES = 1024;
const LONGEST_QUOTE_BYTES = 1 << 19;

export type LaunchRequest = {
  readonly mrEnclave: Uint8Array;
  readonly modulus: Uint8Array;
  /** 16 bytes. */
  readonly attributes: Uint8Array;
};

/** An EINITTOKEN, 304 bytes. */
export async function launchToken(client: AesmClient, request: LaunchRequest): Promise<Uint8Array> {
  const { token } = await client.ask("getLaunchToken", request);
  return sized(token, EINITTOKEN_BYTES, "launch token");
}

/** The TARGETINFO of the EPID quoting enclave. */
export async function epidTargetInfo(client: AesmClient): Promise<Uint8Array> {
  const { targetInfo } = await client.ask("initQuote", {});
  return sized(targetInfo, TARGETINFO_BYTES, "TARGETINFO");
}

export type EpidQuoteRequest = {
  readonly report: Uint8Array;
  readonly linkable: boolean;
  readonly spid: Uint8Array;
  readonly sigRl?: Uint8Array;
};

/** An EPID quote, without the zeros that follow it in the service's buffer. */
export async function epidQuote(
  client: AesmClient,
  request: EpidQuoteRequest,
): Promise<Uint8Array> {
  const { quote } = await client.ask("getQuote", {
    report: request.report,
    quoteType: request.linkable ? 1 : 0,
    spid: request.spid,
    ...(request.sigRl === undefined ? {} : { sigRl: request.sigRl }),
    bufSize: EPID_BUFFER_BYTES,
    qeReport: false,
  });
  const trimmed = withoutRest(quote, EPID_BUFFER_BYTES);
  requireReport(trimmed, request.report);
  return trimmed;
}

/** The TARGETINFO of the ECDSA quoting enclave, which makes its attestation key if it has none. */
export async function ecdsaTargetInfo(client: AesmClient): Promise<Uint8Array> {
  return initialise(client, await ecdsaKey(client));
}

/** An ECDSA quote, version 3. */
export async function ecdsaQuote(client: AesmClient, report: Uint8Array): Promise<Uint8Array> {
  const attKeyId = await ecdsaKey(client);
  try {
    return await quoteWith(client, attKeyId, report);
  } catch (error) {
    if (aesmNumberOf(error) !== AESM.keyNotInitialized) throw error;
    // The service has restarted since the TARGETINFO was asked for. One repetition is enough: a
    // service that says so again has another trouble.
    await initialise(client, attKeyId);
    return quoteWith(client, attKeyId, report);
  }
}

/** The service's ECDSA P-256 key: the one it proposes, or the first of all that it has. */
async function ecdsaKey(client: AesmClient): Promise<Uint8Array> {
  const { selectedAttKeyId } = await client.ask("selectAttKeyId", {});
  const proposed = sized(selectedAttKeyId, ATT_KEY_ID_BYTES, "attestation key id");
  if (isEcdsa(proposed)) return proposed;
  const { attKeyIdNum = 0 } = await client.ask("getSupportedAttKeyIdNum", {});
  if (attKeyIdNum > MOST_KEYS) throw unexpected(`${attKeyIdNum} attestation keys`);
  const bufSize = attKeyIdNum * ATT_KEY_ID_BYTES;
  const { attKeyIds } = await client.ask("getSupportedAttKeyIds", { bufSize });
  const ids = splitAttKeyIds(sized(attKeyIds, bufSize, "list of attestation key ids"));
  const key = ids?.find(isEcdsa);
  if (key !== undefined) return key;
  throw aesmRefusal(
    AESM.unsupportedKeyId,
    "choose an attestation key of AESM",
    "the service has none for ECDSA: it needs libsgx-aesm-ecdsa-plugin and a platform with flexible launch control",
  );
}

function isEcdsa(attKeyId: Uint8Array): boolean {
  return algorithmOf(attKeyId) === ALGORITHM.ecdsaP256;
}

async function initialise(client: AesmClient, attKeyId: Uint8Array): Promise<Uint8Array> {
  const { pubKeyIdSize = 0n } = await client.ask("initQuoteEx", { attKeyId, wantPubKeyId: false });
  if (pubKeyIdSize === 0n || pubKeyIdSize > BigInt(LONGEST_PUB_KEY_ID_BYTES)) {
    throw unexpected(`a public key id of ${pubKeyIdSize} bytes`);
  }
  const { targetInfo } = await client.ask("initQuoteEx", {
    attKeyId,
    wantPubKeyId: true,
    bufSize: pubKeyIdSize,
  });
  return sized(targetInfo, TARGETINFO_BYTES, "TARGETINFO");
}

async function quoteWith(
  client: AesmClient,
  attKeyId: Uint8Array,
  report: Uint8Array,
): Promise<Uint8Array> {
  const { quoteSize = 0 } = await client.ask("getQuoteSizeEx", { attKeyId });
  if (quoteSize < QUOTE_HEAD_BYTES || quoteSize > LONGEST_QUOTE_BYTES) {
    throw unexpected(`a quote of ${quoteSize} bytes`);
  }
  const { quote } = await client.ask("getQuoteEx", { report, attKeyId, bufSize: quoteSize });
  const trimmed = withoutRest(quote, quoteSize);
  requireReport(trimmed, report);
  return trimmed;
}

/**
 * The quote as long as it says itself. Services send the whole buffer of the size they were told, or
 * what is used of it; both are right.
 */
function withoutRest(quote: Uint8Array | undefined, bufferBytes: number): Uint8Array {
  const length = quote?.length ?? 0;
  if (quote === undefined || length < QUOTE_HEAD_BYTES || length > bufferBytes) {
    throw unexpected(`a quote of ${length} bytes, not ${QUOTE_HEAD_BYTES} to ${bufferBytes}`);
  }
  const size = QUOTE_HEAD_BYTES + viewOf(quote).getUint32(QUOTE_HEAD_BYTES - 4, true);
  if (size > length) throw unexpected(`a quote of ${size} bytes in ${length}`);
  return quote.slice(0, size);
}

/** A quote is about the report it was asked for, or it is somebody else's. */
function requireReport(quote: Uint8Array, report: Uint8Array): void {
  const body = quote.subarray(REPORT_OFFSET, REPORT_OFFSET + REPORT_BODY_BYTES);
  if (sameBytes(body, report.subarray(0, REPORT_BODY_BYTES))) return;
  throw unexpected("a quote of another report");
}

function sized(bytes: Uint8Array | undefined, size: number, what: string): Uint8Array {
  if (bytes?.length === size) return bytes;
  const got = bytes === undefined ? "none" : `one of ${bytes.length}`;
  throw unexpected(`no ${what} of ${size} bytes but ${got}`);
}

function unexpected(what: string): Error {
  return protocolError("read AESM reply", `the service sent ${what}`);
}
