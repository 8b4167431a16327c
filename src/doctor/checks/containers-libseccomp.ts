// SPDX-License-Identifier: Apache-2.0
import { RuneError } from "../../errors/error.ts";
import { type Check, missing, ok } from "../check.ts";

export const containersLibseccomp: Check = {
  topic: "containers",
  name: "libseccomp",
  about:
    "libseccomp.so.2, which compiles profiles: docker's and podman's containers have one unless told otherwise",
  look: (probe) => {
    try {
      return ok(`libseccomp ${probe.seccompVersion()}`);
    } catch (error) {
      return missing(
        RuneError.from(error, "load libseccomp").message,
        "apt-get install libseccomp2",
      );
    }
  },
};
