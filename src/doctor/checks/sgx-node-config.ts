// SPDX-License-Identifier: Apache-2.0
/** The node's configuration, as containers read it. */
import { broken, type Check, ok } from "../check.ts";

export const sgxNodeConfig: Check = {
  topic: "sgx",
  name: "node-config",
  about: "/etc/inclavare-containers/config.toml: whose it is, its syntax, its keys",
  look: (probe) => {
    const { warnings, platform, allowSimulation } = probe.nodeConfig();
    const [first, ...more] = warnings;
    if (first !== undefined) {
      const others = more.length === 0 ? "" : `, and ${more.length} more`;
      return broken(
        `${first}${others}`,
        "correct the key, or remove it: docs/reference/node-config.md lists all",
      );
    }
    const allowed =
      allowSimulation === undefined
        ? ""
        : `, images may choose simulation: ${allowSimulation ? "yes" : "no"}`;
    return ok(`platform ${platform ?? "hardware"}${allowed}`);
  },
};
