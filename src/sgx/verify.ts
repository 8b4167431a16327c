// SPDX-License-Identifier: Apache-2.0
/** What EINIT checks of a SIGSTRUCT before it looks at the enclave (SDM vol. 3D, EINIT). */
import { RuneError } from "../errors/error.ts";
import { integerFromLittleEndian } from "./bytes.ts";
import { cubeWithQuotients, paddedHash, RSA_EXPONENT } from "./rsa.ts";
import { mrsigner, parseSigstruct, type Sigstruct, signedPart } from "./sigstruct.ts";

export type VerifiedSigstruct = { readonly sigstruct: Sigstruct; readonly mrsigner: Uint8Array };

/**
 * Checks a SIGSTRUCT's form, exponent, key range, both quotients and the signature, and returns it
 * with the MRSIGNER it proves. The first check that fails is the one that is thrown.
 */
export function verifySigstruct(bytes: Uint8Array): VerifiedSigstruct {
  const sigstruct = parseSigstruct(bytes);
  if (sigstruct.exponent !== RSA_EXPONENT) {
    throw refused("SGX_FORMAT", `EXPONENT is ${sigstruct.exponent}, not 3`);
  }
  const modulus = integerFromLittleEndian(sigstruct.modulus);
  const signature = integerFromLittleEndian(sigstruct.signature);
  // A shorter key is easier to factor, and an even one is no product of two odd primes.
  if (modulus >> 3071n !== 1n || (modulus & 1n) === 0n) {
    throw refused("SGX_KEY", "MODULUS is no 3072-bit RSA modulus");
  }
  if (signature >= modulus) throw refused("SGX_SIGNATURE", "SIGNATURE is not below MODULUS");

  const { q1, q2, cube } = cubeWithQuotients(signature, modulus);
  if (integerFromLittleEndian(sigstruct.q1) !== q1) {
    throw refused("SGX_SIGNATURE", "Q1 is not floor(SIGNATURE^2 / MODULUS)");
  }
  if (integerFromLittleEndian(sigstruct.q2) !== q2) {
    throw refused(
      "SGX_SIGNATURE",
      "Q2 is not floor((SIGNATURE^3 - Q1*SIGNATURE*MODULUS) / MODULUS)",
    );
  }
  if (cube !== paddedHash(signedPart(bytes))) {
    throw refused("SGX_SIGNATURE", "SIGNATURE is not MODULUS's over the signed fields");
  }
  return { sigstruct, mrsigner: mrsigner(sigstruct.modulus) };
}

function refused(code: "SGX_FORMAT" | "SGX_KEY" | "SGX_SIGNATURE", reason: string): RuneError {
  return new RuneError({ code, doing: "verify SIGSTRUCT", reason });
}
