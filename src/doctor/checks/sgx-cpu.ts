// SPDX-License-Identifier: Apache-2.0
/** The processor's own words, whatever the firmware has switched off: SDM vol. 2A, CPUID. */
import { type Check, missing, ok } from "../check.ts";
import { extendedFeatures } from "./cpu-leaves.ts";

export const sgxCpu: Check = {
  topic: "sgx",
  name: "cpu",
  about: "CPUID leaf 7 EBX bit 2: the processor has SGX, and the firmware shows it",
  look: (probe) =>
    (extendedFeatures(probe).ebx & (1 << 2)) !== 0
      ? ok("the processor has SGX")
      : missing(
          "CPUID shows no SGX: the processor has none, its firmware hides it, or this is a virtual machine without it",
          "enable SGX in the firmware's set-up, or give the virtual machine `-cpu host,+sgx` and an EPC section; without SGX, `rune install --simulation` is for development",
        ),
};
