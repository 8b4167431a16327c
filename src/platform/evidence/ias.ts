// SPDX-License-Identifier: Apache-2.0
/**
 * Intel's attestation service for EPID, API v3 to v5, as it was before it closed: it judges the
 * quotes of this platform, and signs what it says with keys of its own.
 */
import { randomBytes } from "node:crypto";
import type { IasStatus } from "../../attest/ias/report.ts";
import {
  AUTHORITY_USAGE,
  certificate,
  LEAF_USAGE,
  RSA_SHA256,
} from "../../attest/issue/certificate.ts";
import { EPID_BODY_BYTES, type EpidQuote, parseEpidQuote } from "../../attest/quote/epid.ts";
import { canonicalBase64 } from "../../attest/x509/pem.ts";
import { toHex } from "../../sgx/bytes.ts";
import type { PlatformKeys } from "../keys.ts";
import { pemChain, simulated } from "./authority.ts";
import { epidGroup, epidPseudonym, epidSecret, epidSignatureHolds } from "./epid.ts";
import { hasKey } from "./pcs-pck.ts";
import { chainHeader, json, reply } from "./reply.ts";
import { seededRsaKey } from "./seeded-rsa.ts";
import type { TcbState } from "./tcb-state.ts";

export type AttestationService = {
  /** `path` is what follows `/attestation/v4/`. */
  readonly answer: (version: number, path: string, request: Request) => Promise<Response>;
  /** PEM of the service's root. */
  readonly root: () => Promise<string>;
};

const LONGEST_REQUEST_BYTES = 64 << 10;
const LONGEST_NONCE_CHARACTERS = 32;
const ADVISORY_ADDRESS = "https://security-center.intel.com";

export function attestationService(
  keys: PlatformKeys,
  tcbState: () => TcbState,
  now: () => Date,
): AttestationService {
  const secret = epidSecret(keys);
  // RSA keys take some tenths of a second, and few ask for them.
  let made: ReturnType<typeof makeSigner> | undefined;
  const signer = () => {
    made ??= makeSigner(keys);
    return made;
  };
  return {
    root: async () => (await signer()).root,
    answer: async (version, path, request) => {
      if (!hasKey(request)) return reply(401);
      const group = /^sigrl\/([0-9a-fA-F]{8})$/.exec(path)?.[1];
      if (group !== undefined) return revocations(group, request, keys);
      if (path !== "report") return reply(404);
      if (request.method !== "POST") return reply(405);
      const asked = await readRequest(request);
      if (asked === undefined) return reply(400);
      return report(version, asked);
    },
  };

  async function report(version: number, { bytes, quote, nonce }: Asked): Promise<Response> {
    const state = tcbState();
    const genuine = epidSignatureHolds(secret, bytes);
    const status = genuine ? statusOf(state, version) : "SIGNATURE_INVALID";
    const advisories = status === "OK" || !genuine ? undefined : state.advisories;
    const inBody =
      advisories === undefined || version < 4
        ? {}
        : { advisoryURL: ADVISORY_ADDRESS, advisoryIDs: advisories };
    const body = JSON.stringify({
      id: BigInt(`0x${randomBytes(16).toString("hex")}`).toString(),
      timestamp: now().toISOString().replace("Z", "000"),
      version,
      ...(genuine && quote.signType === "linkable"
        ? {
            epidPseudonym: Buffer.from(epidPseudonym(secret, quote.basename)).toString("base64"),
          }
        : {}),
      ...inBody,
      isvEnclaveQuoteStatus: status,
      // The key was compromised: RFC 5280's number for it.
      ...(status === "GROUP_REVOKED" ? { revocationReason: 1 } : {}),
      isvEnclaveQuoteBody: Buffer.from(bytes.subarray(0, EPID_BODY_BYTES)).toString("base64"),
      ...(nonce === undefined ? {} : { nonce }),
    });
    const { key, chain } = await signer();
    const signature = key.sign(new TextEncoder().encode(body));
    return json(body, {
      "X-IASReport-Signature": Buffer.from(signature).toString("base64"),
      ...chainHeader("X-IASReport-Signing-Certificate", chain),
      ...(advisories === undefined
        ? {}
        : { "Advisory-URL": ADVISORY_ADDRESS, "Advisory-IDs": advisories.join(",") }),
    });
  }
}

/** The group's list, empty; the address has the number's highest byte first. */
function revocations(group: string, request: Request, keys: PlatformKeys): Response {
  if (request.method !== "GET") return reply(405);
  return reply(group.toLowerCase() === toHex(epidGroup(keys).reverse()) ? 200 : 404);
}

type Asked = {
  readonly bytes: Uint8Array;
  readonly quote: EpidQuote;
  readonly nonce: string | undefined;
};

/** Undefined for what Intel's answers with 400. */
async function readRequest(request: Request): Promise<Asked | undefined> {
  if (request.headers.get("Content-Type")?.split(";")[0]?.trim() !== "application/json") return;
  const body = await readLimited(request);
  if (body === undefined) return;
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    if (typeof value !== "object" || value === null || !("isvEnclaveQuote" in value)) return;
    const nonce = "nonce" in value ? value.nonce : undefined;
    if (typeof value.isvEnclaveQuote !== "string") return;
    if (nonce !== undefined && typeof nonce !== "string") return;
    if (nonce !== undefined && nonce.length > LONGEST_NONCE_CHARACTERS) return;
    const bytes = canonicalBase64(value.isvEnclaveQuote, "quote");
    return { bytes, quote: parseEpidQuote(bytes), nonce };
  } catch {
    return;
  }
}

async function readLimited(request: Request): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of request.body ?? []) {
    total += chunk.length;
    if (total > LONGEST_REQUEST_BYTES) return undefined;
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Version 3 does not know hardening: it calls such platforms badly configured. */
function statusOf({ status, revoked }: TcbState, version: number): IasStatus {
  if (revoked !== "none") return "GROUP_REVOKED";
  switch (status) {
    case "UpToDate":
      return "OK";
    case "SWHardeningNeeded":
      return version < 4 ? "CONFIGURATION_NEEDED" : "SW_HARDENING_NEEDED";
    case "ConfigurationNeeded":
      return "CONFIGURATION_NEEDED";
    case "ConfigurationAndSWHardeningNeeded":
      return version < 4 ? "CONFIGURATION_NEEDED" : "CONFIGURATION_AND_SW_HARDENING_NEEDED";
    case "OutOfDate":
    case "OutOfDateConfigurationNeeded":
      return "GROUP_OUT_OF_DATE";
    case "Revoked":
      return "GROUP_REVOKED";
    default:
      return status satisfies never;
  }
}

async function makeSigner(keys: PlatformKeys) {
  const [authority, key] = await Promise.all([
    seededRsaKey(keys.quotingKeySeed("report signing CA")),
    seededRsaKey(keys.quotingKeySeed("report signing")),
  ]);
  const common = {
    version: 2,
    issuer: simulated("SGX Attestation Report Signing CA"),
    signer: authority,
    notBefore: new Date("2020-01-01T00:00:00Z"),
    notAfter: new Date("2049-12-31T23:59:59Z"),
    algorithm: RSA_SHA256,
    more: [],
  };
  const root = certificate({
    ...common,
    serial: Uint8Array.of(1),
    subject: common.issuer,
    key: authority,
    authority: true,
    pathLength: 0,
    usage: AUTHORITY_USAGE,
  });
  const leaf = certificate({
    ...common,
    serial: Uint8Array.of(2),
    subject: simulated("SGX Attestation Report Signing"),
    key,
    authority: false,
    pathLength: undefined,
    usage: LEAF_USAGE,
  });
  return { key, chain: pemChain(leaf, root), root: pemChain(root) };
}
