// SPDX-License-Identifier: Apache-2.0
/**
 * Fresh evidence: a whole platform with its chain, collateral and a quote, good unless the options
 * change something. Whatever is changed is signed afterwards, so that a fault is the one meant.
 */
import { createHash } from "node:crypto";
import type { Collateral } from "../collateral/collateral.ts";
import {
  AUTHORITY_USAGE,
  type CertificateFields,
  type CrlFields,
  certificate,
  crl,
  ECDSA_SHA256,
  extension,
  LEAF_USAGE,
} from "../issue/certificate.ts";
import { type IssuerKey, pointBytes } from "../issue/key.ts";
import { sgxExtension } from "../issue/sgx-extension.ts";
import { type Json, signJson } from "../issue/signed-json.ts";
import { parseCertificate } from "../x509/certificate.ts";
import { toPem } from "../x509/pem.ts";
import { SGX_EXTENSION } from "../x509/sgx-extension.ts";
import { type TrustAnchor, trustAnchorOf } from "../x509/trust.ts";
import { name, newKey } from "./authority.ts";
import { bodyPrefix, enclaveBody, qeBody, sized, tdBody, u16 } from "./evidence-bytes.ts";
import { identityJson, PLATFORM, tcbInfoJson } from "./evidence-json.ts";

export type PlatformOptions = {
  readonly components: readonly number[];
  readonly pceSvn: number;
  readonly fmspc: string;
  readonly pceId: string;
};

export type EvidenceOptions = {
  readonly version?: 3 | 4 | 5;
  readonly body?: "sgx" | "td10" | "td15";
  readonly certificationType?: 1 | 2 | 3 | 4 | 5 | 7;
  /** The middle of everything's validity. */
  readonly at?: Date;
  readonly platform?: Partial<PlatformOptions>;
  readonly root?: Partial<CertificateFields>;
  readonly authority?: Partial<CertificateFields>;
  readonly pck?: Partial<CertificateFields>;
  readonly tcbSigner?: Partial<CertificateFields>;
  readonly rootCrl?: Partial<CrlFields>;
  readonly pckCrl?: Partial<CrlFields>;
  readonly tcbInfo?: (json: Json) => void;
  readonly qeIdentity?: (json: Json) => void;
  /** Changes the 384 bytes before they are signed by the PCK. */
  readonly qeReport?: (bytes: Uint8Array) => void;
  /** Changes the enclave's or domain's report before it is signed. */
  readonly report?: (bytes: Uint8Array) => void;
  readonly header?: (bytes: Uint8Array) => void;
  /** What every certificate name starts with: "SIMULATION ". */
  readonly namePrefix?: string;
  /** Order of the quote's chain: leaf 0, authority 1, root 2. */
  readonly order?: readonly number[];
  /** Signs the quote with another key than the one the QE reported. */
  readonly wrongAttestationKey?: boolean;
  readonly wrongTcbSignature?: boolean;
  readonly wrongIdentitySignature?: boolean;
};

export type Evidence = {
  readonly quote: Uint8Array;
  readonly collateral: Collateral;
  readonly anchors: readonly TrustAnchor[];
  readonly at: Date;
  readonly ders: {
    readonly root: Uint8Array;
    readonly authority: Uint8Array;
    readonly pck: Uint8Array;
    readonly tcbSigner: Uint8Array;
  };
  readonly keys: Keys;
};

type Keys = {
  readonly root: IssuerKey;
  readonly authority: IssuerKey;
  readonly pck: IssuerKey;
  readonly tcbSigner: IssuerKey;
  readonly attestation: IssuerKey;
};

/** Made once: what a test changes is not the keys. */
const keys: Keys = {
  root: newKey(),
  authority: newKey(),
  pck: newKey(),
  tcbSigner: newKey(),
  attestation: newKey(),
};

/** Keys of nobody, for whoever forges something. */
export const foreignKey = newKey();

export const NOW = new Date("2026-06-15T12:00:00Z");
const DAY = 86_400_000;

export function makeEvidence(options: EvidenceOptions = {}): Evidence {
  const at = options.at ?? NOW;
  const platform = { ...PLATFORM, ...options.platform };
  const prefix = options.namePrefix ?? "";
  const rootName = name(`${prefix}Test SGX Root CA`);
  const authorityName = name(`${prefix}Test SGX PCK Platform CA`);
  const common = {
    version: 2,
    notBefore: new Date(at.getTime() - 100 * DAY),
    notAfter: new Date(at.getTime() + 100 * DAY),
    more: [],
    algorithm: ECDSA_SHA256,
  };
  const leaf = { ...common, authority: false, pathLength: undefined, usage: LEAF_USAGE };
  const above = { ...common, authority: true, usage: AUTHORITY_USAGE };
  const ders = {
    root: certificate({
      ...above,
      serial: Uint8Array.of(1),
      issuer: rootName,
      subject: rootName,
      key: keys.root,
      signer: keys.root,
      pathLength: 1,
      ...options.root,
    }),
    authority: certificate({
      ...above,
      serial: Uint8Array.of(2),
      issuer: rootName,
      subject: authorityName,
      key: keys.authority,
      signer: keys.root,
      pathLength: 0,
      ...options.authority,
    }),
    pck: certificate({
      ...leaf,
      serial: Uint8Array.of(3),
      issuer: authorityName,
      subject: name(`${prefix}Test SGX PCK Certificate`),
      key: keys.pck,
      signer: keys.authority,
      ...options.pck,
      more: [extension(SGX_EXTENSION, testExtension(platform)), ...(options.pck?.more ?? [])],
    }),
    tcbSigner: certificate({
      ...leaf,
      serial: Uint8Array.of(4),
      issuer: rootName,
      subject: name(`${prefix}Test SGX TCB Signing`),
      key: keys.tcbSigner,
      signer: keys.root,
      ...options.tcbSigner,
    }),
  };
  const window = {
    thisUpdate: new Date(at.getTime() - 10 * DAY),
    nextUpdate: new Date(at.getTime() + 20 * DAY),
  };
  const tdx = (options.body ?? "sgx") !== "sgx";
  const tcbInfo = tcbInfoJson(platform, window, tdx);
  options.tcbInfo?.(tcbInfo);
  const identity = identityJson(window, tdx);
  options.qeIdentity?.(identity);
  const type = options.certificationType ?? 5;
  const root = parseCertificate(
    certificate({
      ...above,
      serial: Uint8Array.of(1),
      issuer: rootName,
      subject: rootName,
      key: keys.root,
      signer: keys.root,
      pathLength: 1,
    }),
  );
  return {
    quote: makeQuote(options, platform, ders, type),
    collateral: {
      tcbInfo: signJson(tcbInfo, options.wrongTcbSignature ? foreignKey : keys.tcbSigner),
      qeIdentity: signJson(identity, options.wrongIdentitySignature ? foreignKey : keys.tcbSigner),
      rootCrl: crl({
        issuer: rootName,
        ...window,
        revoked: [],
        signer: keys.root,
        more: [],
        ...options.rootCrl,
      }),
      pckCrl: crl({
        issuer: authorityName,
        ...window,
        revoked: [Uint8Array.of(0x77)],
        signer: keys.authority,
        more: [],
        ...options.pckCrl,
      }),
      certificates: [
        ders.tcbSigner,
        ...(type === 5 ? [] : [ders.authority, ders.root]),
        ...(type < 4 ? [ders.pck] : []),
      ],
    },
    anchors: [trustAnchorOf(root)],
    at,
    ders,
    keys,
  };
}

function testExtension({ components, pceSvn, pceId, fmspc }: PlatformOptions): Uint8Array {
  return sgxExtension({
    ppid: new Uint8Array(16).fill(0xaa),
    tcb: { components, pceSvn, cpuSvn: Uint8Array.from(components) },
    pceId: Buffer.from(pceId, "hex"),
    fmspc: Buffer.from(fmspc, "hex"),
    sgxType: "scalable",
    platformInstanceId: new Uint8Array(16).fill(0xbb),
    configuration: { dynamicPlatform: true, cachedKeys: undefined, smtEnabled: true },
  });
}

function makeQuote(
  options: EvidenceOptions,
  platform: PlatformOptions,
  ders: Evidence["ders"],
  type: number,
): Uint8Array {
  const version = options.version ?? ((options.body ?? "sgx") === "sgx" ? 3 : 4);
  const kind = options.body ?? "sgx";
  const tdx = kind !== "sgx";
  const header = new Uint8Array(48);
  const view = new DataView(header.buffer);
  view.setUint16(0, version, true);
  view.setUint16(2, 2, true);
  view.setUint32(4, tdx ? 0x81 : 0, true);
  view.setUint16(8, 8, true);
  view.setUint16(10, platform.pceSvn, true);
  header.set(Buffer.from("939a7233f79c4ca9940a0db3957f0607", "hex"), 12);
  options.header?.(header);
  const report = tdx ? tdBody(kind === "td15") : enclaveBody();
  options.report?.(report);
  const kindPrefix = version === 5 ? bodyPrefix(kind, report.length) : new Uint8Array();
  const signedPart = Buffer.concat([header, kindPrefix, report]);

  const authenticationData = new Uint8Array(32).map((_, index) => index);
  const attestationKey = pointBytes(keys.attestation);
  const qeReport = qeBody(tdx);
  qeReport.set(
    createHash("sha256").update(attestationKey).update(authenticationData).digest(),
    320,
  );
  options.qeReport?.(qeReport);
  const qePart = Buffer.concat([
    qeReport,
    keys.pck.sign(qeReport),
    u16(authenticationData.length),
    authenticationData,
    u16(type),
    sized(certificationData(options, platform, ders, type)),
  ]);
  const signer = options.wrongAttestationKey ? foreignKey : keys.attestation;
  const signature = signer.sign(signedPart);
  const rest = version === 3 ? qePart : Buffer.concat([u16(6), sized(qePart)]);
  const data = Buffer.concat([signature, attestationKey, rest]);
  return new Uint8Array(Buffer.concat([signedPart, sized(data)]));
}

function certificationData(
  options: EvidenceOptions,
  platform: PlatformOptions,
  ders: Evidence["ders"],
  type: number,
): Uint8Array {
  if (type === 7) return new Uint8Array(100);
  if (type === 4) return new TextEncoder().encode(toPem(ders.pck, "CERTIFICATE"));
  if (type === 5) {
    const chain = [ders.pck, ders.authority, ders.root];
    const order = options.order ?? [0, 1, 2];
    const pem = order.map((index) => toPem(chain[index] ?? ders.pck, "CERTIFICATE")).join("");
    return new TextEncoder().encode(pem);
  }
  return Buffer.concat([
    new Uint8Array(type === 1 ? 16 : type === 2 ? 256 : 384).fill(0xaa),
    Uint8Array.from(platform.components),
    u16(platform.pceSvn),
    Buffer.from(platform.pceId, "hex"),
  ]);
}
