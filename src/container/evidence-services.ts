// SPDX-License-Identifier: Apache-2.0
/** Who quotes a container's reports and who vouches for the quotes, by its SGX platform. */

import { INTEL_PCS } from "../attest/fetch/collateral-service.ts";
import { httpFetcher } from "../attest/fetch/http.ts";
import { parseCertificates } from "../attest/x509/certificate.ts";
import { type TrustAnchor, trustAnchorOf } from "../attest/x509/trust.ts";
import { type NodeConfig, readNodeConfig } from "../config/node-config.ts";
import { RuneError } from "../errors/error.ts";
import { evidenceSocket } from "../platform/evidence/listen.ts";
import { aesmFolder } from "../platform/folders.ts";
import type { Deps } from "./deps.ts";
import { ensureService } from "./platform-service.ts";
import type { EnclaveState } from "./state.ts";

export type EvidenceServices = {
  readonly aesmSocket: string;
  /** A directory, a file, or a service's address. */
  readonly collateral: string;
  /** What comes before `/attestation/v4/report`; undefined where there is none. */
  readonly iasUrl: string | undefined;
  /** The roots of ECDSA evidence, or of EPID reports; undefined: Intel's. */
  readonly anchors: (kind: "sgx" | "ias") => Promise<readonly TrustAnchor[] | undefined>;
  readonly attestation: NodeConfig["attestation"];
};

const INTEL_AESM = "/var/run/aesmd/aesm.socket";

export function evidenceServices(
  deps: Deps,
  { platform, serviceSocket }: Pick<EnclaveState, "platform" | "serviceSocket">,
): EvidenceServices {
  const { attestation } = readNodeConfig(deps.kernel, deps.nodeConfig);
  return platform === "hardware"
    ? {
        aesmSocket: INTEL_AESM,
        collateral: attestation.collateral ?? INTEL_PCS,
        iasUrl: attestation.iasUrl,
        anchors: async () => undefined,
        attestation,
      }
    : { ...simulated(deps, serviceSocket), attestation };
}

/**
 * The services of the container's own platform, started where they have ended and are the caller's:
 * what the node has set is for hardware.
 */
function simulated(deps: Deps, serviceSocket: string | undefined) {
  if (serviceSocket === undefined) {
    throw new RuneError({
      code: "PLATFORM_SERVICE",
      doing: "attest a simulated enclave",
      reason: "its container was made with INCLAVARE_PLATFORM=off: nobody makes quotes of its keys",
    });
  }
  const runtime = serviceSocket.slice(0, serviceSocket.lastIndexOf("/"));
  ensureService(deps, serviceSocket);
  const address = `unix:${evidenceSocket({ runtime })}`;
  return {
    aesmSocket: `${aesmFolder({ runtime })}/aesm.socket`,
    collateral: address,
    iasUrl: `${address}/sgx`,
    anchors: async (kind: "sgx" | "ias") => {
      const url = `${address}/simulation/${kind}-root.pem`;
      const { status, body } = await httpFetcher({ insecure: false })(url);
      if (status !== 200) {
        const doing = `fetch \`${url}\``;
        throw new RuneError({ code: "ATTEST_COLLATERAL", doing, reason: `HTTP status ${status}` });
      }
      return parseCertificates(Buffer.from(body).toString("latin1"), url).map(trustAnchorOf);
    },
  };
}
