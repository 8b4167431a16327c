// SPDX-License-Identifier: Apache-2.0
import { type Check, missing, unknown } from "../check.ts";

export const kubernetesClass: Check = {
  topic: "kubernetes",
  name: "runtime-class",
  about:
    "that the cluster has a RuntimeClass for the handler: not asked, since it is the API server's; the command to ask is printed",
  optional: true,
  look: (probe) => {
    const ask = "kubectl get runtimeclass -o custom-columns=NAME:.metadata.name,HANDLER:.handler";
    return probe.which("kubectl") === undefined
      ? missing(
          "there is no kubectl here: the cluster's RuntimeClass cannot be seen",
          `where there is one: ${ask}`,
        )
      : unknown("the API server is not asked", ask);
  },
};
