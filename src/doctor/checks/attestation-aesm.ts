// SPDX-License-Identifier: Apache-2.0
import { RuneError } from "../../errors/error.ts";
import { S_IFMT, S_IFSOCK } from "../../kernel/constants.ts";
import { broken, type Check, missing, ok } from "../check.ts";

export const attestationAesm: Check = {
  topic: "attestation",
  name: "aesm",
  about: "AESM's socket, and its answer to the cheapest request, within two seconds",
  look: async (probe, { aesmSocket }) => {
    const start = "systemctl restart aesmd";
    const isPath = !aesmSocket.startsWith("@");
    const found = isPath ? probe.stat(aesmSocket) : undefined;
    if (isPath && found === undefined) {
      return missing(
        `there is no socket \`${aesmSocket}\`: no launch tokens, no quotes`,
        "install sgx-aesm-service, then systemctl enable --now aesmd; containers with a simulated platform need none",
      );
    }
    if (found !== undefined && (found.mode & S_IFMT) !== S_IFSOCK) {
      return broken(`\`${aesmSocket}\` is no socket`, `rm ${aesmSocket} && ${start}`);
    }
    try {
      return ok(`\`${aesmSocket}\` answers: ${await probe.aesm(aesmSocket)}`);
    } catch (error) {
      const { code, reason } = RuneError.from(error, "ask AESM");
      const why: Partial<Record<typeof code, string>> = {
        AESM_UNREACHABLE: `\`${aesmSocket}\` is dead: ${reason}`,
        AESM_PROTOCOL: `\`${aesmSocket}\` is listened to, but does not answer as AESM: ${reason}`,
      };
      return broken(why[code] ?? `\`${aesmSocket}\`: ${reason}`, start);
    }
  },
};
