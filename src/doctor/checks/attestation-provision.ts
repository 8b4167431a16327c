// SPDX-License-Identifier: Apache-2.0
/** The device whose holder gets the platform's provisioning key: quoting enclaves need it, others must not have it. */
import { broken, type Check, missing } from "../check.ts";
import { device } from "./sgx-driver.ts";

const nodes = ["/dev/sgx_provision", "/dev/sgx/provision"];

export const attestationProvision: Check = {
  topic: "attestation",
  name: "provision",
  about: `${nodes.join(", ")}: what the quoting enclave opens, closed to everybody else`,
  optional: true,
  look: (probe) => {
    for (const path of nodes) {
      const found = probe.stat(path);
      if (found === undefined) continue;
      if ((found.mode & 0o002) !== 0) {
        return broken(
          `\`${path}\` may be opened by everybody, and its key identifies this machine`,
          `chgrp sgx_prv ${path} && chmod 0660 ${path}`,
        );
      }
      return device(probe, path, found.mode, "sgx_prv");
    }
    return missing(
      `none of ${nodes.join(", ")}: ECDSA quotes cannot be made here`,
      "see `rune doctor sgx`",
    );
  },
};
