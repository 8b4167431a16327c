// SPDX-License-Identifier: Apache-2.0
/** ECDSA quoting on the simulated platform: the attestation key, and its certification by the PCK. */
import { createHash } from "node:crypto";
import { ALGORITHM, encodeAttKeyId } from "../../aesm/att-key.ts";
import type { CertifiedKey, EcdsaQuoting } from "../../aesm/platform.ts";
import { pointBytes } from "../../attest/issue/key.ts";
import type { PlatformKeys } from "../keys.ts";
import { type AuthorityKeys, makeChain, pemChain } from "./authority.ts";
import { ECDSA_ENCLAVE, quotingEnclave, reportBody } from "./quoting-enclave.ts";
import { seededKey } from "./seeded-ecdsa.ts";
import type { TcbState } from "./tcb-state.ts";

/** Intel's, 939A7233-F79C-4CA9-940A-0DB3957F0607: verifiers refuse quotes of another. */
const VENDOR_ID = new Uint8Array(Buffer.from("939a7233f79c4ca9940a0db3957f0607", "hex"));
/** Intel's enclave takes 32 bytes of its own choice into the key's hash, and these are they. */
const AUTHENTICATION_DATA = Uint8Array.from({ length: 32 }, (_, index) => index);
/** The quote brings its PCK certificate's chain. */
const CHAIN_IN_PEM = 5;

export function ecdsaQuoting(
  keys: PlatformKeys,
  authority: AuthorityKeys,
  tcbState: () => TcbState,
): EcdsaQuoting {
  const enclave = quotingEnclave(keys, ECDSA_ENCLAVE);
  let made: { readonly key: CertifiedKey; readonly of: string } | undefined;
  return {
    qeSvn: enclave.qeSvn,
    targetInfo: enclave.targetInfo,
    checkReport: enclave.checkReport,
    reportFor: enclave.reportFor,
    get pceSvn() {
      return tcbState().pceSvn;
    },
    attKeyId: encodeAttKeyId({
      version: 3,
      mrsigner: ECDSA_ENCLAVE.mrsigner,
      productId: ECDSA_ENCLAVE.isvProdId,
      algorithm: ALGORITHM.ecdsaP256,
    }),
    vendorId: VENDOR_ID,
    userData: quotingEnclaveId(keys),
    initialise: () => {
      const state = tcbState();
      const of = certificationOf(state);
      // Clients ask twice each; keys and signatures follow from the seed, so anew is the same.
      if (made?.of !== of) made = { key: certifiedKey(keys, authority, state), of };
      return made.key;
    },
    // A key whose certification is no longer the platform's is lost: clients ask for it again.
    key: () => (made?.of === certificationOf(tcbState()) ? made.key : undefined),
  };
}

/** 20 bytes: what a quote's user data and caching services name the quoting enclave by, and zeros. */
export function quotingEnclaveId({ platformInstanceId }: PlatformKeys): Uint8Array {
  const id = new Uint8Array(20);
  const digest = createHash("sha256").update("SIMULATION QE id").update(platformInstanceId);
  id.set(digest.digest().subarray(0, 16));
  return id;
}

function certifiedKey(keys: PlatformKeys, authority: AuthorityKeys, state: TcbState): CertifiedKey {
  const key = seededKey(keys.quotingKeySeed("attestation key"));
  const publicKey = pointBytes(key);
  const reportData = new Uint8Array(64);
  reportData.set(createHash("sha256").update(publicKey).update(AUTHENTICATION_DATA).digest());
  const qeReport = reportBody(keys, ECDSA_ENCLAVE, reportData);
  const chain = makeChain(keys, authority, state);
  return {
    publicKey,
    sign: key.sign,
    qeReport,
    qeReportSignature: authority.pck.sign(qeReport),
    authenticationData: AUTHENTICATION_DATA,
    certificationType: CHAIN_IN_PEM,
    certificationData: new TextEncoder().encode(pemChain(chain.pck, chain.authority, chain.root)),
  };
}

/** What of the state stands in the PCK certificate. */
function certificationOf({ fmspc, ca, pceSvn, pck }: TcbState): string {
  return [fmspc, ca, pceSvn, pck].join(" ");
}
