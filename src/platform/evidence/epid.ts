// SPDX-License-Identifier: Apache-2.0
/**
 * EPID-shaped quotes. The signature is no EPID: a MAC that the simulated attestation service, which
 * has the same secret, can check, in as many bytes as the real one has.
 */
import { createHmac } from "node:crypto";
import { AESM, aesmRefusal } from "../../aesm/errors.ts";
import type { EpidQuoting } from "../../aesm/platform.ts";
import { SIGNED_PART_BYTES } from "../../aesm/quote-bytes.ts";
import { sameBytes } from "../../sgx/bytes.ts";
import type { PlatformKeys } from "../keys.ts";
import { EPID_ENCLAVE, quotingEnclave } from "./quoting-enclave.ts";
import type { TcbState } from "./tcb-state.ts";

const SIGNATURE_BYTES = 680;
const MARK = new TextEncoder().encode("SIMULATION of an EPID signature\n");

export function epidQuoting(keys: PlatformKeys, tcbState: () => TcbState): EpidQuoting {
  const enclave = quotingEnclave(keys, EPID_ENCLAVE);
  const secret = epidSecret(keys);
  return {
    qeSvn: enclave.qeSvn,
    targetInfo: enclave.targetInfo,
    checkReport: enclave.checkReport,
    reportFor: enclave.reportFor,
    get pceSvn() {
      return tcbState().pceSvn;
    },
    groupId: epidGroup(keys),
    extendedGroupId: 0,
    sign: (signedPart, sigRl) => {
      if (sigRl !== undefined && sigRl.length > 0) {
        throw aesmRefusal(
          AESM.parameter,
          "read the signature revocation list",
          "the group's list is empty: nobody can give one out",
        );
      }
      return signature(secret, signedPart);
    },
  };
}

/** 4 bytes, little-endian as in quotes. */
export function epidGroup(keys: PlatformKeys): Uint8Array {
  return keys.quotingKeySeed("EPID group").slice(0, 4);
}

export function epidSecret(keys: PlatformKeys): Uint8Array {
  return keys.quotingKeySeed("EPID signature");
}

/** Whether a quote is this platform's. */
export function epidSignatureHolds(secret: Uint8Array, quote: Uint8Array): boolean {
  const signedPart = quote.subarray(0, SIGNED_PART_BYTES);
  return sameBytes(quote.subarray(SIGNED_PART_BYTES + 4), signature(secret, signedPart));
}

/** 64 bytes, the same for all quotes of the platform that have the basename. */
export function epidPseudonym(secret: Uint8Array, basename: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac("sha512", secret).update("pseudonym").update(basename).digest());
}

function signature(secret: Uint8Array, signedPart: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(SIGNATURE_BYTES);
  bytes.set(MARK);
  bytes.set(createHmac("sha512", secret).update("quote").update(signedPart).digest(), MARK.length);
  return bytes;
}
