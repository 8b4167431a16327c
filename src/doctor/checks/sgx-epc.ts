// SPDX-License-Identifier: Apache-2.0
/** The memory that enclaves live in. */
import { broken, type Check, missing, ok } from "../check.ts";
import { epcSections, hasSgx } from "./cpu-leaves.ts";

const mebibyte = 1024 * 1024;
/** What an SGX 1 processor has; less is a firmware that was told to save. */
const smallest = 64 * mebibyte;

export const sgxEpc: Check = {
  topic: "sgx",
  name: "epc",
  about: "CPUID leaf 12H: how much memory is set aside for enclaves (EPC)",
  look: (probe) => {
    if (!hasSgx(probe)) return missing("without SGX there is no enclave memory");
    const sections = epcSections(probe);
    const bytes = sections.reduce((sum, one) => sum + one, 0);
    if (bytes === 0) return broken("the firmware has set aside no memory for enclaves", mend);
    const size = `${Math.floor(bytes / mebibyte)} MiB in ${sections.length} section(s)`;
    return bytes < smallest
      ? broken(`only ${size}: enclaves of any size will page`, mend)
      : ok(size);
  },
};

const mend =
  "in the firmware's set-up, raise `PRMRR size` (or `SGX reserved memory`) and enable SGX; a virtual machine gets its EPC from the hypervisor";
