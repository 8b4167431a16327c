// SPDX-License-Identifier: Apache-2.0
/**
 * Intel's Provisioning Certification Service, API v4, and what a caching service in front of it has
 * besides, for the one platform there is. docs/reference/simulated-evidence.md lists the paths.
 */
import { toPem } from "../../attest/x509/pem.ts";
import { toHex } from "../../sgx/bytes.ts";
import { pckCrlAddress, ROOT_CRL_ADDRESS } from "./authority.ts";
import { pckCertificate, pckCertificates } from "./pcs-pck.ts";
import type { Published } from "./published.ts";
import { chainHeader, json, reply } from "./reply.ts";
import { PCK_AUTHORITIES } from "./tcb-state.ts";

export type Platform = {
  /** What caching services know the quoting enclave by, lower-case hexadecimal. */
  readonly qeId: string;
  readonly cpuSvn: Uint8Array;
};

/** `path` is what follows `/sgx/certification/v4/`. */
export function answerCertification(
  path: string,
  request: Request,
  query: URLSearchParams,
  published: Published,
  platform: Platform,
): Response {
  // A parameter that comes twice is read as one or the other.
  if (new Set(query.keys()).size !== [...query.keys()].length) return reply(400);
  switch (path) {
    case "tcb":
      return tcbInfo(query, published);
    case "qe/identity":
      return dated(query, published, () =>
        json(published.answers.qeIdentity, issuers("SGX-Enclave-Identity-Issuer-Chain", published)),
      );
    case "tcbevaluationdatanumbers":
      return json(
        published.answers.evaluationDataNumbers,
        issuers("TCB-Evaluation-Data-Numbers-Issuer-Chain", published),
      );
    case "fmspcs":
      return families(query, published);
    case "pckcrl":
      return pckCrl(query, published);
    case "rootcacrl":
      // As the caching service has it: DER in hexadecimal.
      return reply(200, toHex(published.rootCrl), { "Content-Type": "application/pkix-crl" });
    case "crl":
      return crlByAddress(query, published);
    case "pckcert":
      return pckCertificate(request, query, published, platform);
    case "pckcerts":
      return pckCertificates(request, query, published, platform);
    default:
      return reply(404);
  }
}

function tcbInfo(query: URLSearchParams, published: Published): Response {
  const fmspc = query.get("fmspc") ?? "";
  if (!/^[0-9a-fA-F]{12}$/.test(fmspc)) return reply(400);
  if (fmspc.toLowerCase() !== published.state.fmspc) return reply(404);
  return dated(query, published, () =>
    json(published.answers.tcbInfo, issuers("TCB-Info-Issuer-Chain", published)),
  );
}

/** Collateral of a number, or the newest or the usual one: here they are one. */
function dated(query: URLSearchParams, published: Published, answer: () => Response): Response {
  const number = query.get("tcbEvaluationDataNumber");
  const update = query.get("update");
  if (number === null) {
    return update === null || update === "early" || update === "standard" ? answer() : reply(400);
  }
  if (update !== null || !/^\d{1,10}$/.test(number)) return reply(400);
  const own = published.state.evaluationDataNumber;
  // Gone is what was given out once.
  if (Number(number) < own) return reply(410);
  return Number(number) === own ? answer() : reply(404);
}

function families(query: URLSearchParams, { state }: Published): Response {
  const asked = query.get("platform") ?? "all";
  if (!["all", "client", "E3", "E5"].includes(asked)) return reply(400);
  const platform = state.ca === "platform" ? "E5" : "E3";
  const own = asked === "all" || asked === platform;
  return json(JSON.stringify(own ? [{ fmspc: state.fmspc.toUpperCase(), platform }] : []));
}

function pckCrl(query: URLSearchParams, published: Published): Response {
  const ca = PCK_AUTHORITIES.find((one) => one === query.get("ca"));
  const encoding = query.get("encoding") ?? "pem";
  if (ca === undefined || (encoding !== "pem" && encoding !== "der")) return reply(400);
  const crl = published.pckCrl[ca];
  const chain = chainHeader("SGX-PCK-CRL-Issuer-Chain", published.pckIssuers[ca]);
  return encoding === "der"
    ? reply(200, crl.slice(), { "Content-Type": "application/pkix-crl", ...chain })
    : reply(200, toPem(crl, "X509 CRL"), { "Content-Type": "application/x-pem-file", ...chain });
}

/** The caching service's, by the address that certificates name. */
function crlByAddress(query: URLSearchParams, published: Published): Response {
  const address = query.get("uri");
  if (address === null || address === "") return reply(400);
  const known = new Map([
    [ROOT_CRL_ADDRESS, published.rootCrl],
    ...PCK_AUTHORITIES.map((ca) => [pckCrlAddress(ca), published.pckCrl[ca]] as const),
  ]);
  const crl = known.get(address);
  if (crl === undefined) return reply(404);
  return reply(200, crl.slice(), { "Content-Type": "application/pkix-crl" });
}

function issuers(name: string, { tcbIssuers }: Published) {
  return chainHeader(name, tcbIssuers);
}
