// SPDX-License-Identifier: Apache-2.0
/** What the firmware has locked: IA32_FEATURE_CONTROL, SDM vol. 4, register 3AH. */
import { broken, type Check, missing, ok, unknown } from "../check.ts";
import { hasSgx, leaf } from "./cpu-leaves.ts";

const FEATURE_CONTROL = 0x3a;
const [LOCKED, LAUNCH_CONTROL, SGX_ENABLED] = [1n, 1n << 17n, 1n << 18n];

export const sgxBios: Check = {
  topic: "sgx",
  name: "firmware",
  about:
    "what the firmware has enabled and locked: CPUID leaf 12H, and the register IA32_FEATURE_CONTROL where /dev/cpu/0/msr can be read",
  look: (probe) => {
    if (!hasSgx(probe))
      return missing("CPUID shows no SGX, so that the firmware has nothing to enable", enable);
    const control = probe.msr(FEATURE_CONTROL);
    if (control === undefined) {
      // The processor shows no instructions of SGX 1 while the firmware has not enabled them.
      if ((leaf(probe, 0x12, 0).eax & 1) === 0)
        return broken("the firmware has not enabled SGX", enable);
      return unknown("SGX is enabled; what is locked cannot be read", "modprobe msr, as root");
    }
    if ((control & LOCKED) === 0n) {
      return broken("IA32_FEATURE_CONTROL is not locked, and SGX works only where it is", enable);
    }
    if ((control & SGX_ENABLED) === 0n) {
      return broken("IA32_FEATURE_CONTROL is locked with SGX disabled", enable);
    }
    return (control & LAUNCH_CONTROL) === 0n
      ? ok("SGX is enabled and locked; launch control belongs to Intel's launch enclave")
      : ok("SGX is enabled and locked, and the kernel decides on launches");
  },
};

const enable =
  "enable SGX (not `software controlled`) in the firmware's set-up, and restart the machine";
