// SPDX-License-Identifier: Apache-2.0
/** Fresh collateral the way services give it out. */
import { ARCHIVE } from "../collateral/archive.ts";
import { signedAnswer } from "../issue/signed-json.ts";
import { toPem } from "../x509/pem.ts";
import type { Evidence } from "./evidence.ts";

/** The chain of the TCB signer, and that of the PCK CA. */
export function issuerChains({ ders }: Evidence): { readonly tcb: string; readonly pck: string } {
  const pem = (der: Uint8Array) => toPem(der, "CERTIFICATE");
  return { tcb: pem(ders.tcbSigner) + pem(ders.root), pck: pem(ders.authority) + pem(ders.root) };
}

/** The files of an archive. */
export function archiveFiles(evidence: Evidence): Map<string, Uint8Array> {
  const { collateral } = evidence;
  const chains = issuerChains(evidence);
  const text = (value: string) => new TextEncoder().encode(value);
  return new Map([
    [ARCHIVE.tcbInfo, text(signedAnswer(collateral.tcbInfo, "tcbInfo"))],
    [ARCHIVE.qeIdentity, text(signedAnswer(collateral.qeIdentity, "enclaveIdentity"))],
    [ARCHIVE.rootCrl, collateral.rootCrl ?? new Uint8Array()],
    [ARCHIVE.pckCrl, collateral.pckCrl ?? new Uint8Array()],
    [ARCHIVE.tcbInfoChain, text(chains.tcb)],
    [ARCHIVE.pckCrlChain, text(chains.pck)],
  ]);
}
