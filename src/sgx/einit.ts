// SPDX-License-Identifier: Apache-2.0
/**
 * EINIT: whether an enclave may start, and who it is then (SDM vol. 3D, EINIT), checks in the order of
 * its pseudocode. native/sgxsim/crypto/sigstruct.c does the same without a service.
 */
import { RuneError } from "../errors/error.ts";
import { ATTRIBUTE, type Attributes } from "./attributes.ts";
import { sameBytes } from "./bytes.ts";
import { SGX_ERROR } from "./egetkey.ts";
import { type EinitToken, parseEinitToken } from "./einittoken.ts";
import type { EnclaveIdentity } from "./enclave-identity.ts";
import { verifySigstruct } from "./verify.ts";

/** What EINIT knows of the enclave: fields of its SECS, and the finished measurement. */
export type EinitView = {
  /** Without INIT. */
  readonly attributes: Attributes;
  readonly miscSelect: number;
  readonly configSvn: number;
  readonly configId: Uint8Array;
  readonly mrenclave: Uint8Array;
};

export type LaunchPolicy = {
  /** IA32_SGXLEPUBKEYHASH; absent where the driver loads it with each enclave's own signer. */
  readonly launchKeyHash?: Uint8Array;
  /** Whether a token's MAC is of this platform's launch key. */
  readonly tokenHolds: (bytes: Uint8Array, token: EinitToken) => boolean;
  /** Whether the host may have enclaves with PROVISION_KEY. */
  readonly mayProvision: boolean;
};

export type EinitResult =
  | { readonly identity: EnclaveIdentity; readonly error?: undefined }
  | { readonly identity?: undefined; readonly error: number };

export function einit(
  view: EinitView,
  sigstructBytes: Uint8Array,
  tokenBytes: Uint8Array,
  policy: LaunchPolicy,
): EinitResult {
  const verified = tryVerify(sigstructBytes);
  if (typeof verified === "number") return { error: verified };
  const { sigstruct, mrsigner } = verified;
  const { flags, xfrm } = view.attributes;
  const kss = (flags & ATTRIBUTE.KSS) !== 0n;
  if (!kss && sigstruct.isvFamilyId.some((byte) => byte !== 0)) {
    return { error: SGX_ERROR.INVALID_SIG_STRUCT };
  }
  if (!sameBytes(sigstruct.enclaveHash, view.mrenclave)) {
    return { error: SGX_ERROR.INVALID_MEASUREMENT };
  }
  const { launchKeyHash } = policy;
  const isLaunchers = launchKeyHash === undefined || sameBytes(mrsigner, launchKeyHash);
  if ((flags & ATTRIBUTE.EINITTOKENKEY) !== 0n && !isLaunchers) {
    return { error: SGX_ERROR.INVALID_ATTRIBUTE };
  }
  if ((flags & ATTRIBUTE.PROVISIONKEY) !== 0n && !policy.mayProvision) {
    return { error: SGX_ERROR.INVALID_ATTRIBUTE };
  }
  const differ = (own: bigint, signed: bigint, mask: bigint) => ((own ^ signed) & mask) !== 0n;
  const { attributes: signed, attributeMask: mask } = sigstruct;
  if (
    differ(flags, signed.flags, mask.flags) ||
    differ(xfrm, signed.xfrm, mask.xfrm) ||
    differ(BigInt(view.miscSelect), BigInt(sigstruct.miscSelect), BigInt(sigstruct.miscMask))
  ) {
    return { error: SGX_ERROR.INVALID_ATTRIBUTE };
  }
  if (launchKeyHash !== undefined && !mayLaunch(view, mrsigner, isLaunchers, tokenBytes, policy)) {
    return { error: SGX_ERROR.INVALID_EINITTOKEN };
  }
  return {
    identity: {
      attributes: { flags: flags | ATTRIBUTE.INIT, xfrm },
      miscSelect: view.miscSelect,
      isvProdId: sigstruct.isvProdId,
      isvSvn: sigstruct.isvSvn,
      configSvn: view.configSvn,
      mrenclave: view.mrenclave,
      mrsigner,
      configId: view.configId,
      isvFamilyId: sigstruct.isvFamilyId,
      isvExtProdId: sigstruct.isvExtProdId,
    },
  };
}

/** The code for what a SIGSTRUCT lacks by itself. */
function tryVerify(bytes: Uint8Array): ReturnType<typeof verifySigstruct> | number {
  try {
    const verified = verifySigstruct(bytes);
    const { type, cetAttributes, cetAttributesMask } = verified.sigstruct;
    // To the processor TYPE is a part of HEADER. It has no CET: these bytes are reserved.
    const strange = type !== 0 || cetAttributes !== 0 || cetAttributesMask !== 0;
    return strange ? SGX_ERROR.INVALID_SIG_STRUCT : verified;
  } catch (error) {
    if (!(error instanceof RuneError)) throw error;
    const isSignature = error.code === "SGX_SIGNATURE" || error.code === "SGX_KEY";
    return isSignature ? SGX_ERROR.INVALID_SIGNATURE : SGX_ERROR.INVALID_SIG_STRUCT;
  }
}

/** Locked launch control: a token of the launch enclave's, or its own signer. */
function mayLaunch(
  view: EinitView,
  mrsigner: Uint8Array,
  isLaunchers: boolean,
  bytes: Uint8Array,
  { tokenHolds }: LaunchPolicy,
): boolean {
  const token = tryToken(bytes);
  if (token === undefined) return false;
  if (!token.valid) return isLaunchers;
  // A debug token must not launch what is no debug enclave, nor the reverse: ATTRIBUTES are compared whole.
  const { attributes } = token;
  return (
    sameBytes(token.mrenclave, view.mrenclave) &&
    sameBytes(token.mrsigner, mrsigner) &&
    attributes.flags === view.attributes.flags &&
    attributes.xfrm === view.attributes.xfrm &&
    tokenHolds(bytes, token)
  );
}

function tryToken(bytes: Uint8Array): EinitToken | undefined {
  try {
    return parseEinitToken(bytes);
  } catch (error) {
    if (error instanceof RuneError) return undefined;
    throw error;
  }
}
