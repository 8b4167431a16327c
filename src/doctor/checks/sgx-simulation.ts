// SPDX-License-Identifier: Apache-2.0
/** What runs enclaves where there is no SGX. */
import { broken, type Check, missing, ok } from "../check.ts";

export const sgxSimulation: Check = {
  topic: "sgx",
  name: "simulation",
  about:
    "the emulator beside the engine, and the simulated platform's service, which containers start when they need it",
  optional: true,
  look: (probe, { libDir, platformSocket }) => {
    const emulator = `${libDir}/sgxsim`;
    const found = probe.stat(emulator);
    if (found === undefined) return missing(`\`${emulator}\` is not there`, "install rune again");
    if ((found.mode & 0o111) === 0) {
      return broken(`\`${emulator}\` may not be executed`, `chmod 0755 ${emulator}`);
    }
    if (platformSocket === undefined)
      return ok("the emulator is there; INCLAVARE_PLATFORM=off wants no service");
    if (probe.stat(platformSocket) === undefined)
      return ok("the emulator is there; its service starts when it is needed");
    if (probe.listens(platformSocket)) return ok(`the service answers at \`${platformSocket}\``);
    return ok("the emulator is there; its service has ended and starts when it is needed");
  },
};
