// SPDX-License-Identifier: Apache-2.0
/** What the tests of this folder share: a signed enclave, and requests about it. */
import type { KeyObject } from "node:crypto";
import { ATTRIBUTE, type Attributes, writeAttributes } from "../sgx/attributes.ts";
import { viewOf } from "../sgx/bytes.ts";
import { encodeKeyRequest, KEYNAME, KEYPOLICY, type KeyRequest } from "../sgx/keyrequest.ts";
import { signSigstruct } from "../sgx/sign.ts";
import type { SigstructBody } from "../sgx/sigstruct.ts";
import { newSigningKey } from "../sgx/testing.ts";
import { CODE, type Request } from "./frame.ts";

export const testKey: KeyObject = newSigningKey();

export const testAttributes: Attributes = { flags: ATTRIBUTE.MODE64BIT, xfrm: 3n };

export function testBody(changes: Partial<SigstructBody> = {}): SigstructBody {
  return {
    type: 0,
    vendor: 0,
    date: 0x20261128,
    swDefined: 0,
    miscSelect: 0,
    miscMask: 0xffff_ffff,
    cetAttributes: 0,
    cetAttributesMask: 0,
    isvFamilyId: new Uint8Array(16),
    attributes: testAttributes,
    attributeMask: { flags: 0xffff_ffff_ffff_fffdn, xfrm: 3n },
    enclaveHash: new Uint8Array(32).fill(0xe0),
    isvExtProdId: new Uint8Array(16),
    isvProdId: 7,
    isvSvn: 3,
    ...changes,
  };
}

export type LaunchChanges = {
  readonly body?: Partial<SigstructBody>;
  readonly attributes?: Attributes;
  readonly flags?: number;
  readonly token?: Uint8Array;
};

/** EINIT of an enclave that is just what was signed, but for the changes. */
export function einitRequest(changes: LaunchChanges = {}): Request {
  const body = testBody(changes.body);
  const payload = new Uint8Array(1808 + 304 + 152);
  payload.set(signSigstruct(body, testKey));
  if (changes.token !== undefined) payload.set(changes.token, 1808);
  const launch = payload.subarray(1808 + 304);
  const view = viewOf(launch);
  writeAttributes(launch, 0, changes.attributes ?? body.attributes);
  view.setUint32(16, body.miscSelect, true);
  view.setUint16(22, changes.flags ?? 0, true);
  launch.set(body.enclaveHash, 24);
  view.setBigUint64(120, 1n << 20n, true);
  view.setBigUint64(128, 12n, true);
  view.setUint32(136, 2, true);
  return { code: CODE.EINIT, payload };
}

export function sealRequest(changes: Partial<KeyRequest> = {}): KeyRequest {
  return {
    keyName: KEYNAME.SEAL,
    keyPolicy: KEYPOLICY.MRSIGNER,
    isvSvn: 3,
    cpuSvn: new Uint8Array(16),
    attributeMask: { flags: 0n, xfrm: 0n },
    keyId: new Uint8Array(32),
    miscMask: 0,
    configSvn: 0,
    ...changes,
  };
}

/** `launched`: the payload of EINIT's reply, identity and ticket. */
export function keyRequest(launched: Uint8Array, changes: Partial<KeyRequest> = {}): Request {
  const payload = Buffer.concat([launched, encodeKeyRequest(sealRequest(changes))]);
  return { code: CODE.EGETKEY, payload };
}

export function reportRequest(launched: Uint8Array, targetInfo: Uint8Array): Request {
  const payload = Buffer.concat([launched, targetInfo, new Uint8Array(64).fill(0xda)]);
  return { code: CODE.EREPORT, payload };
}
