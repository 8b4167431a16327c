// SPDX-License-Identifier: Apache-2.0
/**
 * The simulated platform's certificates, shaped like Intel's: root, PCK CA, PCK, TCB signer and the
 * CRLs. All follow from the platform's keys, its TCB state and the day.
 */
import { createHash } from "node:crypto";
import {
  AUTHORITY_USAGE,
  type CertificateFields,
  certificate,
  crl,
  distinguishedName,
  ECDSA_SHA256,
  extension,
  LEAF_USAGE,
} from "../../attest/issue/certificate.ts";
import * as der from "../../attest/issue/der-writer.ts";
import type { IssuerKey } from "../../attest/issue/key.ts";
import { sgxExtension } from "../../attest/issue/sgx-extension.ts";
import { parseCertificate } from "../../attest/x509/certificate.ts";
import { toPem } from "../../attest/x509/pem.ts";
import { SGX_EXTENSION } from "../../attest/x509/sgx-extension.ts";
import type { PlatformKeys } from "../keys.ts";
import { seededKey } from "./seeded-ecdsa.ts";
import type { PckAuthority, TcbState, Validity } from "./tcb-state.ts";
import type { Window } from "./window.ts";

/** What every name of the simulated platform starts with; verifiers look for it. */
const MARK = "SIMULATION";
const ORGANIZATION = `${MARK} Inclavare Containers`;
/** Of a name that can never exist (RFC 2606): nobody is to be asked by mistake. */
const CRL_ADDRESS = "https://certificates.simulation.invalid";
export const ROOT_CRL_ADDRESS = `${CRL_ADDRESS}/root.crl`;

export const PCE_ID = new Uint8Array(2);

/** Fixed dates, so that the certificates do not depend on when they are made. */
const FROM = new Date("2020-01-01T00:00:00Z");
const UNTIL = new Date("2049-12-31T23:59:59Z");
const PCK_VALIDITY: Readonly<Record<Validity, readonly [Date, Date]>> = {
  current: [FROM, UNTIL],
  expired: [FROM, new Date("2021-01-01T00:00:00Z")],
  "not-yet-valid": [new Date("2048-01-01T00:00:00Z"), UNTIL],
};

export type AuthorityKeys = {
  readonly root: IssuerKey;
  readonly platform: IssuerKey;
  readonly processor: IssuerKey;
  readonly pck: IssuerKey;
  readonly tcbSigner: IssuerKey;
};

export function authorityKeys(keys: PlatformKeys): AuthorityKeys {
  const key = (purpose: string) => seededKey(keys.quotingKeySeed(purpose));
  return {
    root: key("root CA"),
    platform: key("PCK platform CA"),
    processor: key("PCK processor CA"),
    pck: key("PCK"),
    tcbSigner: key("TCB signing"),
  };
}

/** DER. `authority` and `pck` are those of the TCB state. */
export type Chain = {
  readonly root: Uint8Array;
  readonly authority: Uint8Array;
  readonly pck: Uint8Array;
  readonly tcbSigner: Uint8Array;
};

/** Each as PEM, leaf first, as quotes and issuer-chain headers have them. */
export function pemChain(...ders: readonly Uint8Array[]): string {
  return ders.map((one) => toPem(one, "CERTIFICATE")).join("");
}

export function makeChain(
  platform: PlatformKeys,
  keys: AuthorityKeys,
  state: TcbState,
  ca: PckAuthority = state.ca,
): Chain {
  const above = { ...common(keys.root), authority: true, usage: AUTHORITY_USAGE };
  const leaf = { authority: false, pathLength: undefined, usage: LEAF_USAGE };
  const [notBefore, notAfter] = PCK_VALIDITY[state.pck];
  return {
    root: issue({ ...above, subject: ROOT_NAME, key: keys.root, pathLength: 1 }),
    authority: issue({ ...above, subject: caName(ca), key: keys[ca], pathLength: 0 }),
    tcbSigner: issue({
      ...common(keys.root),
      ...leaf,
      subject: simulated("SGX TCB Signing"),
      key: keys.tcbSigner,
    }),
    pck: issue({
      ...common(keys[ca]),
      ...leaf,
      issuer: caName(ca),
      crlAddress: pckCrlAddress(ca),
      subject: simulated("SGX PCK Certificate"),
      key: keys.pck,
      notBefore,
      notAfter,
      more: [extension(SGX_EXTENSION, platformExtension(platform, state, ca))],
    }),
  };
}

/** The CRLs: the root's, which may list the PCK CA, and that of a PCK CA. */
export function makeCrls(
  chain: Chain,
  keys: AuthorityKeys,
  state: TcbState,
  ca: PckAuthority,
  window: Window,
): { readonly root: Uint8Array; readonly pck: Uint8Array } {
  const dates = { thisUpdate: window.from, nextUpdate: window.until };
  const own = ca === state.ca;
  const list = (revoked: readonly Uint8Array[], issuer: Uint8Array, signer: IssuerKey) =>
    crl({ issuer, ...dates, revoked, signer, more: [authorityKeyId(signer)] });
  return {
    root: list(
      own && state.revoked === "ca" ? [serialOf(chain.authority)] : [],
      ROOT_NAME,
      keys.root,
    ),
    pck: list(own && state.revoked === "pck" ? [serialOf(chain.pck)] : [], caName(ca), keys[ca]),
  };
}

export function pckCrlAddress(ca: PckAuthority): string {
  return `${CRL_ADDRESS}/pck-${ca}.crl`;
}

export function simulated(name: string): Uint8Array {
  return distinguishedName(`${MARK} ${name}`, ORGANIZATION);
}

const ROOT_NAME = simulated("SGX Root CA");

function caName(ca: PckAuthority): Uint8Array {
  return simulated(`SGX PCK ${ca === "platform" ? "Platform" : "Processor"} CA`);
}

function common(signer: IssuerKey) {
  return {
    version: 2,
    issuer: ROOT_NAME,
    signer,
    notBefore: FROM,
    notAfter: UNTIL,
    crlAddress: ROOT_CRL_ADDRESS,
    algorithm: ECDSA_SHA256,
    more: [],
  };
}

/** The serial number is a hash of all else, so that no two certificates of an issuer share one. */
function issue(
  fields: Omit<CertificateFields, "serial"> & { readonly crlAddress: string },
): Uint8Array {
  const whole: Omit<CertificateFields, "serial"> = {
    ...fields,
    more: [
      authorityKeyId(fields.signer),
      extension("2.5.29.14", der.octets(keyId(fields.key))),
      extension("2.5.29.31", distributionPoint(fields.crlAddress)),
      ...fields.more,
    ],
  };
  const draft = certificate({ ...whole, serial: Uint8Array.of(1), signer: UNSIGNED });
  const serial = new Uint8Array(createHash("sha256").update(draft).digest().subarray(0, 20));
  // RFC 5280, 4.1.2.2: positive, at most 20 bytes with the sign.
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return certificate({ ...whole, serial });
}

/** Signs drafts. */
const UNSIGNED: IssuerKey = {
  kind: "P-256",
  spki: new Uint8Array(),
  sign: () => new Uint8Array(64),
};

/** RFC 5280, 4.2.1.2, leaves the method open; a SHA-1 is as long as everybody expects. */
function keyId({ spki }: IssuerKey): Uint8Array {
  return new Uint8Array(createHash("sha1").update(spki).digest());
}

function authorityKeyId(key: IssuerKey): Uint8Array {
  return extension("2.5.29.35", der.sequence(der.element(0x80, keyId(key))));
}

function distributionPoint(address: string): Uint8Array {
  const name = der.element(0x86, new TextEncoder().encode(address));
  return der.sequence(der.sequence(der.element(0xa0, der.element(0xa0, name))));
}

function serialOf(certificateDer: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.from(parseCertificate(certificateDer).serial, "hex"));
}

function platformExtension(platform: PlatformKeys, state: TcbState, ca: PckAuthority): Uint8Array {
  const { cpuSvn, platformInstanceId } = platform;
  return sgxExtension({
    ppid: ppidOf(platform),
    tcb: { components: [...cpuSvn], pceSvn: state.pceSvn, cpuSvn },
    pceId: PCE_ID,
    fmspc: new Uint8Array(Buffer.from(state.fmspc, "hex")),
    sgxType: ca === "platform" ? "scalable" : "standard",
    ...(ca === "platform"
      ? {
          platformInstanceId,
          configuration: { dynamicPlatform: false, cachedKeys: false, smtEnabled: true },
        }
      : { platformInstanceId: undefined, configuration: undefined }),
  });
}

function ppidOf(platform: PlatformKeys): Uint8Array {
  return platform.quotingKeySeed("PPID").slice(0, 16);
}
