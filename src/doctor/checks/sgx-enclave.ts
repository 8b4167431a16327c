// SPDX-License-Identifier: Apache-2.0
/** An enclave's file and the signature that EINIT will ask for. */
import { RuneError } from "../../errors/error.ts";
import { toHex } from "../../sgx/bytes.ts";
import { SIGSTRUCT_BYTES, TYPE_DEBUG } from "../../sgx/sigstruct.ts";
import { verifySigstruct } from "../../sgx/verify.ts";
import { broken, type Check, missing, ok, type Settings } from "../check.ts";
import type { Probe } from "../probe.ts";

const largestBytes = 1 << 30;

export const sgxEnclave: Check = {
  topic: "sgx",
  name: "enclave",
  about:
    "an enclave's file (--enclave, or the sample's) and its SIGSTRUCT (--signature, or the file beside it that ends in .ss or .sig): form, key, signature",
  look: (probe, settings) => {
    const enclave = settings.enclave ?? `${settings.libDir}/encl.bin`;
    if (probe.stat(enclave) === undefined) {
      return missing(
        `\`${enclave}\` is not there`,
        settings.enclave === undefined ? "install rune again" : "name another with --enclave",
      );
    }
    const path = signatureOf(probe, enclave, settings);
    const bytes = path === undefined ? undefined : probe.bytes(path, largestBytes);
    if (path === undefined || bytes === undefined) {
      return broken(
        `\`${enclave}\` has no signature beside it, and no enclave starts without one`,
        `sgx-tools sign KEY.pem ${enclave} ${enclave.replace(/\.[^./]*$/, "")}.ss, or name the SIGSTRUCT with --signature`,
      );
    }
    return verdict(bytes, path);
  },
};

function signatureOf(probe: Probe, enclave: string, { signature }: Settings): string | undefined {
  if (signature !== undefined) return signature;
  const stem = enclave.replace(/\.[^./]*$/, "");
  const places = [`${stem}.ss`, `${stem}.sig`, `${enclave}.sig`];
  return places.find((path) => probe.stat(path) !== undefined);
}

function verdict(bytes: Uint8Array, path: string) {
  const again = `sign the enclave again: \`${path}\` is damaged, or was made for another`;
  if (bytes.length !== SIGSTRUCT_BYTES) {
    return broken(
      `\`${path}\` has ${bytes.length} bytes, and a SIGSTRUCT has ${SIGSTRUCT_BYTES}`,
      again,
    );
  }
  try {
    const { sigstruct, mrsigner } = verifySigstruct(bytes);
    const kind = (sigstruct.type & TYPE_DEBUG) === 0 ? "" : ", a debug signature";
    return ok(`\`${path}\` verifies: MRSIGNER ${toHex(mrsigner)}${kind}`);
  } catch (error) {
    return broken(`\`${path}\`: ${RuneError.from(error, "verify").reason}`, again);
  }
}
