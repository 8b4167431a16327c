// SPDX-License-Identifier: Apache-2.0
/**
 * What the rest of the service may do with the platform's secret: name what it wants derived. The
 * root secret itself is behind this type and nowhere else.
 */
import type { KeyResult } from "../sgx/egetkey.ts";
import type { EnclaveIdentity } from "../sgx/enclave-identity.ts";
import type { KeyRequest } from "../sgx/keyrequest.ts";

export type PlatformKeys = {
  /**
   * The MAC (16 bytes) of a report's body (384 bytes) under the REPORT key of the enclave that
   * `targetInfo` (512 bytes) names. `keyId`: 32 bytes, the report's own KEYID.
   */
  readonly reportMac: (body: Uint8Array, keyId: Uint8Array, targetInfo: Uint8Array) => Uint8Array;
  /** EGETKEY for an enclave of that identity: its key, or the error code the processor gives. */
  readonly getKey: (request: KeyRequest, identity: EnclaveIdentity) => KeyResult;
  /** 32 bytes that only this platform has, others for every purpose: HKDF of the root secret. */
  readonly quotingKeySeed: (purpose: string) => Uint8Array;
  /** 16 bytes that name this platform; no secret. */
  readonly platformInstanceId: Uint8Array;
  /** 16 bytes: the CPUSVN of every report. */
  readonly cpuSvn: Uint8Array;
  /** 32 bytes: CR_REPORT_KEYID, the KEYID of the reports that this platform makes. */
  readonly reportKeyId: Uint8Array;
};

export type { KeyResult };
