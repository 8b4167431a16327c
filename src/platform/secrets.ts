// SPDX-License-Identifier: Apache-2.0
/** What follows from the root secret; docs/protocol/platform-service.md, "What is never given out". */
import { hkdfSync } from "node:crypto";
import { sameBytes } from "../sgx/bytes.ts";
import { aesCmac } from "../sgx/cmac.ts";
import { egetkey, reportKey } from "../sgx/egetkey.ts";
import { type EnclaveIdentity, encodeEnclaveIdentity } from "../sgx/enclave-identity.ts";
import type { Processor } from "../sgx/key-dependencies.ts";
import { parseTargetInfo, type TargetInfo } from "../sgx/targetinfo.ts";
import type { PlatformKeys } from "./keys.ts";

/** The platform's keys, and the tickets that the emulator keeps for it. */
export type Secrets = PlatformKeys & {
  readonly ticket: (identity: EnclaveIdentity) => Uint8Array;
  readonly ticketHolds: (identity: EnclaveIdentity, ticket: Uint8Array) => boolean;
};

export const DEFAULT_CPU_SVN: Uint8Array = new Uint8Array(16).fill(1);

export function deriveSecrets(root: Uint8Array, cpuSvn: Uint8Array = DEFAULT_CPU_SVN): Secrets {
  const derive = (purpose: string, size: number) =>
    new Uint8Array(hkdfSync("sha256", root, new Uint8Array(), purpose, size));
  const processor: Processor = {
    rootKey: derive("root key", 16),
    cpuSvn,
    ownerEpoch: new Uint8Array(16),
    sealFuses: derive("seal fuses", 16),
  };
  const ticketKey = derive("ticket key", 16);
  const ticket = (identity: EnclaveIdentity) => aesCmac(ticketKey, encodeEnclaveIdentity(identity));
  return {
    reportMac: (body, keyId, targetInfo) =>
      aesCmac(reportKey(processor, readTarget(targetInfo), keyId), body),
    getKey: (request, identity) => egetkey(processor, identity, request),
    quotingKeySeed: (purpose) => derive(`quoting ${purpose}`, 32),
    platformInstanceId: derive("instance", 16),
    cpuSvn,
    reportKeyId: derive("report key id", 32),
    ticket,
    ticketHolds: (identity, given) => sameBytes(ticket(identity), given),
  };
}

/** EREPORT does not look at what is reserved. */
function readTarget(bytes: Uint8Array): TargetInfo {
  const known = Uint8Array.from(bytes);
  known.fill(0, 48, 50);
  known.fill(0, 56, 64);
  known.fill(0, 128);
  return parseTargetInfo(known);
}
