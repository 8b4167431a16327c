// SPDX-License-Identifier: Apache-2.0
/** The device that makes enclaves: in-tree and DCAP 1.41, DCAP before, legacy. */
import { S_IFCHR, S_IFMT } from "../../kernel/constants.ts";
import { broken, type Check, type Finding, missing, ok } from "../check.ts";
import type { Probe } from "../probe.ts";
import { hasSgx } from "./cpu-leaves.ts";

export const drivers = ["/dev/sgx_enclave", "/dev/sgx/enclave", "/dev/isgx"];

export const sgxDriver: Check = {
  topic: "sgx",
  name: "driver",
  about: `${drivers.join(", ")}: one of them is there, is a device, and may be opened`,
  look: (probe) => {
    for (const path of drivers) {
      const found = probe.stat(path);
      if (found !== undefined) return device(probe, path, found.mode, "sgx");
    }
    if (!hasSgx(probe))
      return missing(`no driver: none of ${drivers.join(", ")}`, "see the check `cpu`");
    const version = probe.text("/proc/sys/kernel/osrelease")?.trim() ?? "";
    return missing(
      `the processor has SGX and kernel ${version} shows no driver`,
      "boot a kernel of 5.11 or newer with CONFIG_X86_SGX=y (`dmesg | grep -i sgx` says what it found)",
    );
  },
};

export function device(probe: Probe, path: string, mode: number, group: string): Finding {
  if ((mode & S_IFMT) !== S_IFCHR) {
    return broken(
      `\`${path}\` is no character device`,
      `rm ${path}, and let udev make it: udevadm trigger`,
    );
  }
  const refusal = probe.refusal(path);
  if (refusal === undefined) return ok(`\`${path}\` can be opened`);
  const permissions = (mode & 0o777).toString(8).padStart(4, "0");
  return broken(
    `\`${path}\` has mode ${permissions} and cannot be opened: ${refusal}`,
    /permission|permitted/.test(refusal)
      ? `usermod -aG ${group} $(id -un), and log in again; /dev must not be mounted with nodev`
      : "dmesg | grep -i sgx",
  );
}
