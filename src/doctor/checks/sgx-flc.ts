// SPDX-License-Identifier: Apache-2.0
/** Flexible launch control: without it only enclaves that Intel's launch enclave admits can be made. */
import { type Check, missing, ok } from "../check.ts";
import { extendedFeatures, hasSgx } from "./cpu-leaves.ts";

export const sgxFlc: Check = {
  topic: "sgx",
  name: "launch-control",
  about: "CPUID leaf 7 ECX bit 30: flexible launch control, which the kernel's own driver needs",
  optional: true,
  look: (probe) => {
    if (!hasSgx(probe)) return missing("there is no SGX to control");
    if ((extendedFeatures(probe).ecx & (1 << 30)) !== 0) return ok("flexible launch control");
    return missing(
      "the processor has no flexible launch control: the kernel's driver refuses it, and EPID is all there is to attest with",
      "use Intel's out-of-tree driver (/dev/isgx) and launch tokens of aesmd",
    );
  },
};
