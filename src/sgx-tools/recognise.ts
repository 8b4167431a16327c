// SPDX-License-Identifier: Apache-2.0
/** What a file is, judged by its first bytes and its size. */
import { EINITTOKEN_BYTES } from "../sgx/einittoken.ts";
import { REPORT_BYTES } from "../sgx/report.ts";
import { isSgxs } from "../sgx/sgxs.ts";
import { SIGSTRUCT_BYTES } from "../sgx/sigstruct.ts";
import { TARGETINFO_BYTES } from "../sgx/targetinfo.ts";
import { isWasmImage } from "../wasm/image.ts";
import type { RecordType } from "./describe.ts";

const SIZES: Readonly<Record<number, RecordType>> = {
  [SIGSTRUCT_BYTES]: "sigstruct",
  [EINITTOKEN_BYTES]: "einittoken",
  [REPORT_BYTES]: "report",
  [TARGETINFO_BYTES]: "targetinfo",
};

export function recognise(bytes: Uint8Array): RecordType {
  return ofText(bytes) ?? ofDer(bytes) ?? ofQuote(bytes) ?? SIZES[bytes.length] ?? ofStream(bytes);
}

function ofText(bytes: Uint8Array): RecordType | undefined {
  const text = Buffer.from(bytes.subarray(0, 1 << 16))
    .toString("latin1")
    .trimStart();
  if (text.startsWith("-----BEGIN CERTIFICATE-----")) return "certificate";
  if (text.startsWith("-----BEGIN X509 CRL-----")) return "crl";
  if (!text.startsWith("{")) return undefined;
  if (/^\{\s*"tcbInfo"/.test(text)) return "tcb-info";
  if (/^\{\s*"enclaveIdentity"/.test(text)) return "qe-identity";
  return text.includes("isvEnclaveQuoteStatus") ? "ias-report" : undefined;
}

/** A certificate's signed part starts with [0], a CRL's with an INTEGER. */
function ofDer(bytes: Uint8Array): RecordType | undefined {
  if (bytes[0] !== 0x30 || ((bytes[1] ?? 0) & 0x80) === 0) return undefined;
  const outer = 2 + ((bytes[1] ?? 0) & 0x7f);
  if (bytes[outer] !== 0x30) return undefined;
  const length = bytes[outer + 1] ?? 0;
  const first = bytes[outer + 2 + (length < 0x80 ? 0 : length & 0x7f)];
  return first === 0xa0 ? "certificate" : first === 0x02 ? "crl" : undefined;
}

/** Header: version, then a key type or sign type; sizes that other records have are those. */
function ofQuote(bytes: Uint8Array): RecordType | undefined {
  if (bytes.length < 436 || SIZES[bytes.length] !== undefined) return undefined;
  const [version = 0, high, type = 0, typeHigh] = bytes;
  if (high !== 0 || typeHigh !== 0) return undefined;
  if (version >= 3 && version <= 5 && (type === 2 || type === 3)) return "quote";
  return (version === 1 || version === 2) && type <= 1 ? "epid-quote" : undefined;
}

function ofStream(bytes: Uint8Array): RecordType {
  if (isWasmImage(bytes)) return "wasm-enclave";
  return isSgxs(bytes) ? "sgxs" : "image";
}
