// SPDX-License-Identifier: Apache-2.0
/** A report service for tests, with an RSA key of its own below a test authority. */
import { generateKeyPairSync, sign } from "node:crypto";
import type { IasReport } from "../ias/verify.ts";
import { AUTHORITY_USAGE, certificate, ECDSA_SHA256, LEAF_USAGE } from "../issue/certificate.ts";
import { parseCertificate } from "../x509/certificate.ts";
import { type TrustAnchor, trustAnchorOf } from "../x509/trust.ts";
import { name, newKey } from "./authority.ts";
import { NOW } from "./evidence.ts";

const root = newKey();
const service = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** A good report of NOW, with some members of its body replaced. */
export function makeIasReport(changes: Record<string, unknown> = {}): {
  readonly report: IasReport;
  readonly anchors: readonly TrustAnchor[];
  readonly at: Date;
  /** DER of the root. */
  readonly authority: Uint8Array;
} {
  const quoteBody = new Uint8Array(432);
  quoteBody[0] = 2;
  quoteBody[48 + 48] = 5;
  const body = Buffer.from(
    JSON.stringify({
      id: "1",
      timestamp: "2026-06-15T11:00:00.123456",
      version: 4,
      isvEnclaveQuoteStatus: "OK",
      isvEnclaveQuoteBody: Buffer.from(quoteBody).toString("base64"),
      ...changes,
    }),
  );
  const common = {
    version: 2,
    notBefore: new Date("2026-01-01T00:00:00Z"),
    notAfter: new Date("2027-01-01T00:00:00Z"),
    issuer: name("Test SGX Attestation Report Signing CA"),
    signer: root,
    more: [],
    algorithm: ECDSA_SHA256,
  };
  const authority = certificate({
    ...common,
    serial: Uint8Array.of(1),
    subject: common.issuer,
    key: root,
    authority: true,
    pathLength: 0,
    usage: AUTHORITY_USAGE,
  });
  const spki = new Uint8Array(service.publicKey.export({ type: "spki", format: "der" }));
  const signer = certificate({
    ...common,
    serial: Uint8Array.of(2),
    subject: name("Test SGX Attestation Report Signing"),
    key: {
      kind: "RSA",
      spki,
      sign: (bytes) => new Uint8Array(sign("sha256", bytes, service.privateKey)),
    },
    authority: false,
    pathLength: undefined,
    usage: LEAF_USAGE,
  });
  return {
    report: {
      body: new Uint8Array(body),
      signature: new Uint8Array(sign("sha256", body, service.privateKey)),
      certificates: [signer],
    },
    anchors: [trustAnchorOf(parseCertificate(authority))],
    at: NOW,
    authority,
  };
}
