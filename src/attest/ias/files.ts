// SPDX-License-Identifier: Apache-2.0
/** IAS reports as people keep them: three headers' worth of files, or one JSON object. */
import { fieldsOf } from "../collateral/signed-json.ts";
import { formatError } from "../error.ts";
import { canonicalBase64, pemBlocks } from "../x509/pem.ts";
import type { IasReport } from "./verify.ts";

/** Names that tools give to the body, the signature and the certificates. */
const BODY = ["raReport", "report", "Body", "body"];
const SIGNATURE = ["signature", "X-IASReport-Signature", "X-Iasreport-Signature"];
const CERTIFICATES = [
  "rawSigningCert",
  "signing_cert",
  "certificates",
  "X-IASReport-Signing-Certificate",
  "X-Iasreport-Signing-Certificate",
];

/** A report from its body, base64 signature, and PEM (perhaps URL-encoded) or base64 DER. */
export function iasReportOf(body: Uint8Array, signature: string, certificates: string): IasReport {
  return {
    body: withoutFinalSpace(body),
    signature: canonicalBase64(signature.trim(), "IAS signature"),
    certificates: readCertificates(certificates),
  };
}

/** A report from a JSON object that holds all three under one of their usual names. */
export function iasReportOfJson(text: string): IasReport {
  const what = "IAS report file";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw formatError(what, "no JSON");
  }
  const fields = fieldsOf(value, what);
  const member = (names: readonly string[]) => {
    const name = names.find((one) => fields.has(one));
    if (name === undefined) throw formatError(what, `no member "${names[0]}"`);
    return fields.text(name);
  };
  const body = member(BODY);
  // Some keep the body in base64.
  const bytes = body.trimStart().startsWith("{")
    ? new TextEncoder().encode(body)
    : canonicalBase64(body, what);
  return iasReportOf(bytes, member(SIGNATURE), member(CERTIFICATES));
}

/** Editors end files with a newline, which is not among the signed bytes. */
function withoutFinalSpace(body: Uint8Array): Uint8Array {
  let end = body.length;
  while (end > 0 && [0x0a, 0x0d, 0x20].includes(body[end - 1] ?? 0)) end--;
  return body.subarray(0, end);
}

function readCertificates(text: string): Uint8Array[] {
  const what = "IAS certificates";
  if (text.trimStart().startsWith("-----")) {
    return pemBlocks(decodeUrl(text), "CERTIFICATE", what, 4);
  }
  return [canonicalBase64(text.trim(), what)];
}

/** Header values are URL-encoded; a plus sign is base64's here, not a space. */
function decodeUrl(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw formatError("IAS certificates", "URL encoding that cannot be decoded");
  }
}
