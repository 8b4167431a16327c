// SPDX-License-Identifier: Apache-2.0
/** How programs enter enclaves since Linux 5.11: Documentation/arch/x86/sgx.rst. */
import { type Check, missing, ok, unknown } from "../check.ts";
import { exportedSymbols } from "../elf-symbols.ts";

const symbol = "__vdso_sgx_enter_enclave";

export const sgxVdso: Check = {
  topic: "sgx",
  name: "vdso",
  about: `\`${symbol}\` in the code that the kernel maps into every process`,
  optional: true,
  look: (probe) => {
    const image = probe.vdso();
    if (image === undefined) return unknown("the vDSO of this process cannot be read");
    return exportedSymbols(image, "[vdso]").has(symbol)
      ? ok(`\`${symbol}\` is there`)
      : missing(
          `\`${symbol}\` is not there: enclave runtimes that enter through it fail`,
          "boot a kernel of 5.11 or newer with CONFIG_X86_SGX=y",
        );
  },
};
