// SPDX-License-Identifier: Apache-2.0
import { RuneError } from "../../errors/error.ts";
import { broken, type Check, missing, ok, unknown } from "../check.ts";

export const attestationCollateral: Check = {
  topic: "attestation",
  name: "collateral",
  about:
    "what `[attestation] collateral` names: a directory or file is there; a PCS or PCCS answers, which is asked only with --network",
  look: async (probe, { network }) => {
    const { collateral } = probe.nodeConfig().attestation;
    if (collateral === undefined) {
      return ok(
        "none is named: Intel's service is asked when a quote is judged, the simulation's own for simulated ones",
      );
    }
    if (!/^https?:/.test(collateral)) {
      return probe.stat(collateral) === undefined
        ? missing(
            `\`[attestation] collateral\` names \`${collateral}\`, which is not there`,
            "correct the key in the node's configuration",
          )
        : ok(`\`${collateral}\``);
    }
    if (!network)
      return unknown(`\`${collateral}\` is not asked`, "rune doctor --network attestation asks it");
    return await ask(probe, collateral);
  },
};

async function ask(probe: Parameters<Check["look"]>[0], collateral: string) {
  const url = `${collateral.replace(/\/+$/, "")}/sgx/certification/v4/rootcacrl`;
  const mend =
    "systemctl restart pccs on its host, or correct `[attestation] collateral`; curl -v shows TLS and proxies";
  try {
    const status = await probe.get(url);
    return status === 200
      ? ok(`\`${collateral}\` answers`)
      : broken(`\`${url}\` answers with status ${status}`, mend);
  } catch (error) {
    return broken(
      `\`${collateral}\` cannot be reached: ${RuneError.from(error, "ask").reason}`,
      mend,
    );
  }
}
