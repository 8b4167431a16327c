// SPDX-License-Identifier: Apache-2.0
/**
 * EGETKEY: which keys an enclave may have, and what each depends on (SDM vol. 3D, EGETKEY's "Key
 * Derivation" table and pseudocode). native/sgxsim/crypto/keys.c does the same without a service.
 */
import { ATTRIBUTE, type Attributes } from "./attributes.ts";
import type { EnclaveIdentity } from "./enclave-identity.ts";
import { deriveKey, type KeyDependencies, type Processor } from "./key-dependencies.ts";
import { KEYNAME, KEYPOLICY, type KeyRequest } from "./keyrequest.ts";
import type { TargetInfo } from "./targetinfo.ts";

/** Error codes that the leaves leave in RAX (SDM vol. 3D, table 37-4). */
export const SGX_ERROR = {
  INVALID_SIG_STRUCT: 1,
  INVALID_ATTRIBUTE: 2,
  INVALID_MEASUREMENT: 4,
  INVALID_SIGNATURE: 8,
  INVALID_EINITTOKEN: 16,
  INVALID_CPUSVN: 32,
  INVALID_ISVSVN: 64,
  INVALID_KEYNAME: 256,
} as const;

/** `error`: one of {@link SGX_ERROR}, or "GP" where the leaf raises #GP(0). */
export type KeyResult =
  | { readonly key: Uint8Array; readonly error?: undefined }
  | { readonly key?: undefined; readonly error: number | "GP" };

const POLICY_KNOWN = 0x3f;
const POLICY_KSS =
  KEYPOLICY.NOISVPRODID | KEYPOLICY.CONFIGID | KEYPOLICY.ISVFAMILYID | KEYPOLICY.ISVEXTPRODID;

/** ATTRIBUTEMASK cannot leave these out. */
const ALWAYS_COUNT = ATTRIBUTE.INIT | ATTRIBUTE.DEBUG;

export function egetkey(
  processor: Processor,
  enclave: EnclaveIdentity,
  request: KeyRequest,
): KeyResult {
  if (!isWellFormed(enclave, request)) return { error: "GP" };
  const error = refusal(processor, enclave, request);
  if (error !== 0) return { error };
  return { key: deriveKey(processor, dependencies(processor, enclave, request)) };
}

/** The key under which reports for `target` are MACed. */
export function reportKey(
  processor: Processor,
  target: ReportTarget,
  keyId: Uint8Array,
): Uint8Array {
  return deriveKey(processor, reportDependencies(processor, target, keyId));
}

type ReportTarget = Pick<
  TargetInfo,
  "measurement" | "attributes" | "miscSelect" | "configSvn" | "configId"
>;

function reportDependencies(
  { cpuSvn, ownerEpoch, sealFuses }: Processor,
  { attributes, miscSelect, configSvn, configId, measurement }: ReportTarget,
  keyId: Uint8Array,
): KeyDependencies {
  const identity = { attributes, miscSelect, configSvn, configId, mrenclave: measurement };
  return { keyName: KEYNAME.REPORT, ...identity, keyId, cpuSvn, ownerEpoch, sealFuses };
}

/** KSS's policies and a CONFIGSVN need KSS. */
function isWellFormed({ attributes }: EnclaveIdentity, request: KeyRequest): boolean {
  if ((request.keyPolicy & ~POLICY_KNOWN) !== 0) return false;
  const kss = (attributes.flags & ATTRIBUTE.KSS) !== 0n;
  return kss || ((request.keyPolicy & POLICY_KSS) === 0 && request.configSvn === 0);
}

function refusal(processor: Processor, enclave: EnclaveIdentity, request: KeyRequest): number {
  const needed = neededAttribute(request.keyName);
  if (needed === undefined) return SGX_ERROR.INVALID_KEYNAME;
  if (request.keyName === KEYNAME.REPORT) return 0;
  if ((enclave.attributes.flags & needed) !== needed) return SGX_ERROR.INVALID_ATTRIBUTE;
  // What a newer version sealed must stay out of an older one's reach.
  if (isBeyond(request.cpuSvn, processor.cpuSvn)) return SGX_ERROR.INVALID_CPUSVN;
  if (request.isvSvn > enclave.isvSvn) return SGX_ERROR.INVALID_ISVSVN;
  const configured = request.keyName === KEYNAME.SEAL || request.keyName === KEYNAME.PROVISION_SEAL;
  if (configured && request.configSvn > enclave.configSvn) return SGX_ERROR.INVALID_ISVSVN;
  return 0;
}

/** Undefined for a KEYNAME there is none of. */
function neededAttribute(keyName: number): bigint | undefined {
  switch (keyName) {
    case KEYNAME.EINITTOKEN:
      return ATTRIBUTE.EINITTOKENKEY;
    case KEYNAME.PROVISION:
    case KEYNAME.PROVISION_SEAL:
      return ATTRIBUTE.PROVISIONKEY;
    case KEYNAME.REPORT:
    case KEYNAME.SEAL:
      return 0n;
    default:
      return undefined;
  }
}

/** Each byte of CPUSVN is the version of one component, as attestation takes it. */
function isBeyond(wanted: Uint8Array, current: Uint8Array): boolean {
  return wanted.some((version, i) => version > (current[i] ?? 0));
}

/** Precondition: the enclave may have the key. */
function dependencies(
  processor: Processor,
  enclave: EnclaveIdentity,
  request: KeyRequest,
): KeyDependencies {
  const { keyName } = request;
  const { ownerEpoch, sealFuses } = processor;
  const { isvProdId, mrsigner, mrenclave } = enclave;
  const { keyId } = request;
  const asked = { keyName, ...ofRequest(enclave, request) };
  switch (keyName) {
    case KEYNAME.EINITTOKEN: {
      const { attributeMask: _, miscMaskComplement: __, ...rest } = asked;
      return { ...rest, isvProdId, mrsigner, keyId, ownerEpoch, sealFuses };
    }
    case KEYNAME.PROVISION:
      // Neither epoch, fuses nor KEYID: the same for every owner.
      return { ...asked, isvProdId, mrsigner };
    case KEYNAME.PROVISION_SEAL:
      return { ...asked, ...ofPolicy(enclave, request), sealFuses, mrsigner };
    case KEYNAME.SEAL:
      return {
        ...asked,
        ...ofPolicy(enclave, request),
        ...((request.keyPolicy & KEYPOLICY.MRENCLAVE) === 0 ? {} : { mrenclave }),
        ...((request.keyPolicy & KEYPOLICY.MRSIGNER) === 0 ? {} : { mrsigner }),
        keyId,
        ownerEpoch,
        sealFuses,
      };
    default:
      // REPORT: the key of reports made for this enclave; masks and SVNs do not count.
      return reportDependencies(processor, { ...enclave, measurement: mrenclave }, keyId);
  }
}

/** Where the table says "Request". */
function ofRequest(enclave: EnclaveIdentity, request: KeyRequest) {
  const mask = request.attributeMask;
  const attributes: Attributes = {
    flags: enclave.attributes.flags & (mask.flags | ALWAYS_COUNT),
    xfrm: enclave.attributes.xfrm & mask.xfrm,
  };
  return {
    attributes,
    attributeMask: mask,
    miscSelect: (enclave.miscSelect & request.miscMask) >>> 0,
    miscMaskComplement: ~request.miscMask >>> 0,
    isvSvn: request.isvSvn,
    cpuSvn: request.cpuSvn,
  };
}

/** KEYPOLICY, all but its two identities. */
function ofPolicy(enclave: EnclaveIdentity, { keyPolicy, configSvn }: KeyRequest) {
  const wants = (bit: number) => (keyPolicy & bit) !== 0;
  const { isvProdId, configId, isvFamilyId, isvExtProdId } = enclave;
  return {
    keyPolicy,
    ...(wants(KEYPOLICY.NOISVPRODID) ? {} : { isvProdId }),
    ...(wants(KEYPOLICY.CONFIGID) ? { configSvn, configId } : {}),
    ...(wants(KEYPOLICY.ISVFAMILYID) ? { isvFamilyId } : {}),
    ...(wants(KEYPOLICY.ISVEXTPRODID) ? { isvExtProdId } : {}),
  };
}
