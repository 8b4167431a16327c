// SPDX-License-Identifier: Apache-2.0
/** `pckcert` and `pckcerts`: the platform's certificate, for who can name the platform. */
import { pemChain } from "./authority.ts";
import type { Platform } from "./pcs.ts";
import type { Published } from "./published.ts";
import { chainHeader, json, reply } from "./reply.ts";

/**
 * A caching service is asked with the quoting enclave's id, Intel's with a key. An encrypted PPID is
 * only looked at for its form: nobody has the key that it is encrypted to.
 */
export function pckCertificate(
  request: Request,
  query: URLSearchParams,
  published: Published,
  platform: Platform,
): Response {
  const qeId = query.get("qeid");
  if (qeId === null && !hasKey(request)) return reply(401);
  const encrypted = query.get("encrypted_ppid");
  const cpuSvn = query.get("cpusvn") ?? "";
  const pceSvn = query.get("pcesvn") ?? "";
  const pceId = query.get("pceid") ?? "";
  // The caching service needs none.
  const ppidFits = encrypted === null ? qeId !== null : isEncryptedPpid(encrypted);
  if (!ppidFits || !isHex(cpuSvn, 16) || !isHex(pceSvn, 2) || !isHex(pceId, 2)) return reply(400);
  if (qeId !== null && !/^[0-9a-fA-F]{1,260}$/.test(qeId)) return reply(400);
  if (qeId !== null && qeId.toLowerCase() !== platform.qeId) return reply(404);
  // There is a certificate for the platform's own level, and for no lower one.
  const reached =
    Buffer.from(cpuSvn, "hex").every((svn, index) => svn >= (platform.cpuSvn[index] ?? 0)) &&
    Buffer.from(pceSvn, "hex").readUInt16LE() >= published.state.pceSvn;
  if (!reached || pceId !== "0000") return reply(404);
  return reply(200, pemChain(published.chain.pck), {
    "Content-Type": "application/x-pem-file",
    "SGX-TCBm": tcbm(published, platform.cpuSvn),
    ...about(published),
  });
}

export function pckCertificates(
  request: Request,
  query: URLSearchParams,
  published: Published,
  platform: Platform,
): Response {
  if (!hasKey(request)) return reply(401);
  const fits = isEncryptedPpid(query.get("encrypted_ppid") ?? "");
  const pceId = query.get("pceid") ?? "";
  if (!fits || !isHex(pceId, 2)) return reply(400);
  if (pceId !== "0000") return reply(404);
  const tcb = Object.fromEntries([
    ...[...platform.cpuSvn].map((svn, index) => [
      `sgxtcbcomp${String(index + 1).padStart(2, "0")}svn`,
      svn,
    ]),
    ["pcesvn", published.state.pceSvn],
  ]);
  const certificate = {
    tcb,
    tcbm: tcbm(published, platform.cpuSvn),
    cert: encodeURIComponent(pemChain(published.chain.pck)),
  };
  return json(JSON.stringify([certificate]), about(published));
}

function about({ state, pckIssuers }: Published) {
  return {
    ...chainHeader("SGX-PCK-Certificate-Issuer-Chain", pckIssuers[state.ca]),
    "SGX-FMSPC": state.fmspc.toUpperCase(),
    "SGX-PCK-Certificate-CA-Type": state.ca,
  };
}

/** The level that the certificate is for: CPUSVN and PCESVN, which is little-endian. */
function tcbm({ state }: Published, cpuSvn: Uint8Array): string {
  const pceSvn = Buffer.alloc(2);
  pceSvn.writeUInt16LE(state.pceSvn);
  return Buffer.concat([cpuSvn, pceSvn]).toString("hex").toUpperCase();
}

export function hasKey(request: Request): boolean {
  return /^[0-9a-fA-F]{32}$/.test(request.headers.get("Ocp-Apim-Subscription-Key") ?? "");
}

/** RSA of 2048 or 3072 bits. */
function isEncryptedPpid(text: string): boolean {
  return isHex(text, 256) || isHex(text, 384);
}

function isHex(text: string, bytes: number): boolean {
  return text.length === bytes * 2 && /^[0-9a-fA-F]+$/.test(text);
}
