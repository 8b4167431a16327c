// SPDX-License-Identifier: Apache-2.0
import { type Check, missing, ok } from "../check.ts";

export const attestationPolicy: Check = {
  topic: "attestation",
  name: "policy",
  about: "the file that `[attestation] policy` names is there and can be read",
  look: (probe) => {
    const { policy } = probe.nodeConfig().attestation;
    if (policy === undefined)
      return ok("none is named: any enclave on a platform that is up to date, without debug mode");
    return probe.text(policy) === undefined
      ? missing(
          `\`[attestation] policy\` names \`${policy}\`, which is not there`,
          `sgx-tools policy-from-quote QUOTE > ${policy}, or remove the key`,
        )
      : ok(`\`${policy}\``);
  },
};
