// SPDX-License-Identifier: Apache-2.0
/** FSGSBASE: an enclave's thread changes its own FS and GS, and so does the program around it. */
import { broken, type Check, missing, ok } from "../check.ts";
import { extendedFeatures, hasSgx } from "./cpu-leaves.ts";

export const sgxFsgsbase: Check = {
  topic: "sgx",
  name: "fsgsbase",
  about:
    "the instructions RDFSBASE to WRGSBASE, in the processor and enabled by the kernel (5.9 or newer)",
  look: (probe) => {
    const inProcessor = (extendedFeatures(probe).ebx & 1) !== 0;
    if (!inProcessor) return missing("the processor has no FSGSBASE; every one with SGX does");
    const flags = /^flags\s*:(.*)$/m.exec(probe.text("/proc/cpuinfo") ?? "")?.[1] ?? "";
    if (flags.split(" ").includes("fsgsbase")) return ok("the kernel has enabled it");
    const found = hasSgx(probe) ? broken : missing;
    return found(
      "the kernel has not enabled it",
      "boot a kernel of 5.9 or newer without `nofsgsbase` on its command line",
    );
  },
};
