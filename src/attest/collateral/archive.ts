// SPDX-License-Identifier: Apache-2.0
/**
 * Collateral as files: what `collateral fetch` writes and any relying party can read later. Every
 * answer is kept as it came, because its signature covers the exact text.
 */
import { attestError, formatError } from "../error.ts";
import { crlBytes } from "../x509/crl.ts";
import { pemBlocks } from "../x509/pem.ts";
import { type Collateral, collateralFromTexts } from "./collateral.ts";
import { fieldsOf, type SignedJson, signatureBytes } from "./signed-json.ts";

/** Names in an archive's directory. Every other *.pem and *.crt file is an issuer chain too. */
export const ARCHIVE = {
  tcbInfo: "tcb_info.json",
  qeIdentity: "qe_identity.json",
  rootCrl: "root_ca_crl.der",
  pckCrl: "pck_crl.der",
  tcbInfoChain: "tcb_info_issuer_chain.pem",
  qeIdentityChain: "qe_identity_issuer_chain.pem",
  pckCrlChain: "pck_crl_issuer_chain.pem",
  pckChain: "pck_certificate_chain.pem",
  /** Where it came from and when; for people. */
  source: "source.json",
} as const;

/** Takes a directory's files by name. */
export function collateralFromFiles(files: ReadonlyMap<string, Uint8Array>): Collateral {
  const crl = (name: string) => {
    const file = files.get(name);
    return file === undefined ? undefined : crlBytes(file, name);
  };
  const rootCrl = crl(ARCHIVE.rootCrl);
  const pckCrl = crl(ARCHIVE.pckCrl);
  return collateralFromTexts({
    tcbInfo: textOf(files, ARCHIVE.tcbInfo),
    qeIdentity: textOf(files, ARCHIVE.qeIdentity),
    ...(rootCrl === undefined ? {} : { rootCrl }),
    ...(pckCrl === undefined ? {} : { pckCrl }),
    chains: [...files]
      .filter(([name]) => /\.(pem|crt)$/.test(name))
      .map(([, bytes]) => Buffer.from(bytes).toString("latin1")),
  });
}

function textOf(files: ReadonlyMap<string, Uint8Array>, name: string): string {
  const bytes = files.get(name);
  if (bytes === undefined) {
    throw attestError("ATTEST_COLLATERAL", "read collateral", `no \`${name}\` in the archive`);
  }
  return decodeUtf8(bytes, name);
}

function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw formatError(what, "not UTF-8");
  }
}

/**
 * Takes collateral in one JSON object, as Intel's quote verification library and dcap-qvl have it:
 * signed texts and hexadecimal signatures apart, CRLs in hexadecimal, chains in PEM.
 */
export function collateralFromJson(bytes: Uint8Array): Collateral {
  const what = "collateral file";
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(bytes, what));
  } catch {
    throw formatError(what, "no JSON");
  }
  const fields = fieldsOf(value, what);
  const piece = (name: string): SignedJson => ({
    text: fields.text(name),
    signature: signatureBytes(fields.text(`${name}_signature`), what),
  });
  const crl = (name: string) => crlBytes(Buffer.from(fields.text(name), "latin1"), name);
  const chains = [
    "pck_crl_issuer_chain",
    "tcb_info_issuer_chain",
    "qe_identity_issuer_chain",
    "pck_certificate_chain",
  ];
  return {
    tcbInfo: piece("tcb_info"),
    qeIdentity: piece("qe_identity"),
    ...(fields.has("root_ca_crl") ? { rootCrl: crl("root_ca_crl") } : {}),
    ...(fields.has("pck_crl") ? { pckCrl: crl("pck_crl") } : {}),
    certificates: chains
      .filter((name) => fields.has(name) && fields.raw(name) !== null)
      .flatMap((name) => pemBlocks(fields.text(name), "CERTIFICATE", name, 8)),
  };
}
