// SPDX-License-Identifier: Apache-2.0
/**
 * What stands for Intel's services on the simulated platform: quoting enclaves, certificates,
 * collateral, and the services that give them out. All of it says SIMULATION in its names.
 */
import type { AesmPlatform } from "../../aesm/platform.ts";
import { toHex } from "../../sgx/bytes.ts";
import type { PlatformKeys } from "../keys.ts";
import { authorityKeys, pemChain } from "./authority.ts";
import { ecdsaQuoting, quotingEnclaveId } from "./ecdsa.ts";
import { epidQuoting } from "./epid.ts";
import { attestationService } from "./ias.ts";
import { answerCertification } from "./pcs.ts";
import { publisher } from "./published.ts";
import { reply } from "./reply.ts";
import type { TcbState } from "./tcb-state.ts";

export type EvidenceOptions = {
  readonly keys: PlatformKeys;
  /** Asked for every answer: it may change at any time. */
  readonly tcbState: () => TcbState;
  readonly now?: () => Date;
};

export type Evidence = {
  /** The quoting part of AESM; launch control is not evidence. */
  readonly aesm: Required<Pick<AesmPlatform, "epid" | "ecdsa">>;
  /** Answers as PCS, PCCS and IAS do. Throws what `tcbState` throws, and nothing else. */
  readonly http: (request: Request) => Promise<Response>;
  /** PEM: what a relying party has to trust, having said that it takes a simulation. */
  readonly sgxRoot: () => string;
  readonly iasRoot: () => Promise<string>;
};

/** Longer addresses are nobody's: an encrypted PPID has 768 digits. */
const LONGEST_ADDRESS_CHARACTERS = 4096;

export function createEvidence({
  keys,
  tcbState,
  now = () => new Date(),
}: EvidenceOptions): Evidence {
  const authority = authorityKeys(keys);
  const published = publisher(keys, authority, tcbState, now);
  const attestation = attestationService(keys, tcbState, now);
  const sgxRoot = () => pemChain(published().chain.root);
  const platform = {
    qeId: toHex(quotingEnclaveId(keys).subarray(0, 16)),
    cpuSvn: keys.cpuSvn,
  };
  return {
    aesm: {
      epid: epidQuoting(keys, tcbState),
      ecdsa: ecdsaQuoting(keys, authority, tcbState),
    },
    sgxRoot,
    iasRoot: attestation.root,
    http: async (request) => {
      if (request.url.length > LONGEST_ADDRESS_CHARACTERS) return reply(414);
      const { pathname, searchParams } = new URL(request.url);
      const report = /^(?:\/sgx)?(?:\/dev)?\/attestation\/v([345])\/(.*)$/.exec(pathname);
      if (report !== null) {
        return attestation.answer(Number(report[1]), report[2] ?? "", request);
      }
      if (request.method !== "GET" && request.method !== "HEAD") return reply(405);
      const [, path] = /^\/sgx\/certification\/v4\/(.*)$/.exec(pathname) ?? [];
      if (path !== undefined) {
        return answerCertification(path, request, searchParams, published(), platform);
      }
      if (pathname === "/simulation/sgx-root.pem") return pem(sgxRoot());
      if (pathname === "/simulation/ias-root.pem") return pem(await attestation.root());
      return reply(404);
    },
  };
}

function pem(text: string): Response {
  return reply(200, text, { "Content-Type": "application/x-pem-file" });
}
