// SPDX-License-Identifier: Apache-2.0
/**
 * The platform's launch enclave: it makes EINITTOKENs for AESM's clients, and knows its own again. No
 * enclave is behind it; its identity is fixed, and its launch key is what EGETKEY would give it.
 */
import { createHash, randomBytes } from "node:crypto";
import type { LaunchControl } from "../aesm/platform.ts";
import {
  ATTRIBUTE,
  type Attributes,
  readAttributes,
  writeAttributes,
  XFRM_LEGACY,
} from "../sgx/attributes.ts";
import { sameBytes, viewOf } from "../sgx/bytes.ts";
import { aesCmac } from "../sgx/cmac.ts";
import { EINITTOKEN_BYTES, type EinitToken } from "../sgx/einittoken.ts";
import type { EnclaveIdentity } from "../sgx/enclave-identity.ts";
import { KEYNAME } from "../sgx/keyrequest.ts";
import { mrsigner } from "../sgx/sigstruct.ts";
import type { PlatformKeys } from "./keys.ts";

/** What the MAC covers. */
const MACED_BYTES = 192;

/** Product 32, as Intel's. */
const launchEnclave: EnclaveIdentity = {
  attributes: {
    flags: ATTRIBUTE.INIT | ATTRIBUTE.MODE64BIT | ATTRIBUTE.EINITTOKENKEY,
    xfrm: XFRM_LEGACY,
  },
  miscSelect: 0,
  isvProdId: 32,
  isvSvn: 1,
  configSvn: 0,
  mrenclave: named("SIMULATION launch enclave"),
  mrsigner: named("SIMULATION launch enclave's signer"),
  configId: new Uint8Array(64),
  isvFamilyId: new Uint8Array(16),
  isvExtProdId: new Uint8Array(16),
};

/** IA32_SGXLEPUBKEYHASH. */
export const LAUNCH_KEY_HASH: Uint8Array = launchEnclave.mrsigner;

export function launchControl(keys: PlatformKeys): LaunchControl {
  return {
    token: ({ mrEnclave, modulus, attributes }) => {
      const token = new Uint8Array(EINITTOKEN_BYTES);
      const view = viewOf(token);
      view.setUint32(0, 1, true);
      // INIT is EINIT's to set; a SIGSTRUCT that carries it is refused there.
      token.set(attributes, 48);
      token.set(mrEnclave, 64);
      token.set(mrsigner(modulus), 128);
      token.set(keys.cpuSvn, 192);
      view.setUint16(208, launchEnclave.isvProdId, true);
      view.setUint16(210, launchEnclave.isvSvn, true);
      writeAttributes(token, 240, launchEnclave.attributes);
      token.set(randomBytes(32), 256);
      const key = launchKey(keys, {
        cpuSvn: keys.cpuSvn,
        isvSvn: launchEnclave.isvSvn,
        keyId: token.subarray(256, 288),
        attributes: readAttributes(token, 240),
      });
      if (key === undefined) throw new Error("the launch enclave has no launch key");
      token.set(aesCmac(key, token.subarray(0, MACED_BYTES)), 288);
      return token;
    },
  };
}

/** Whether this platform's launch enclave, of this or an older TCB, has made that token. */
export function tokenHolds(keys: PlatformKeys, bytes: Uint8Array, token: EinitToken): boolean {
  if (token.launchIsvProdId !== launchEnclave.isvProdId) return false;
  const key = launchKey(keys, {
    cpuSvn: token.launchCpuSvn,
    isvSvn: token.launchIsvSvn,
    keyId: token.keyId,
    attributes: token.launchMaskedAttributes,
  });
  return key !== undefined && sameBytes(aesCmac(key, bytes.subarray(0, MACED_BYTES)), token.mac);
}

type LaunchKeyOf = {
  readonly cpuSvn: Uint8Array;
  readonly isvSvn: number;
  readonly keyId: Uint8Array;
  /** MASKEDATTRIBUTESLE. */
  readonly attributes: Attributes;
};

/** Undefined for versions above the platform's, and attributes that are not the launch enclave's. */
function launchKey(keys: PlatformKeys, of: LaunchKeyOf): Uint8Array | undefined {
  const { flags, xfrm } = launchEnclave.attributes;
  if (of.attributes.flags !== flags || of.attributes.xfrm !== xfrm) return undefined;
  const { key } = keys.getKey(
    {
      keyName: KEYNAME.EINITTOKEN,
      keyPolicy: 0,
      isvSvn: of.isvSvn,
      cpuSvn: of.cpuSvn,
      attributeMask: { flags: 0xffff_ffff_ffff_ffffn, xfrm: 0xffff_ffff_ffff_ffffn },
      keyId: of.keyId,
      miscMask: 0xffff_ffff,
      configSvn: 0,
    },
    launchEnclave,
  );
  return key;
}

function named(text: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(text).digest());
}
