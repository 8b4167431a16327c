// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "bun:test";
import { ATTRIBUTE } from "../sgx/attributes.ts";
import { toHex } from "../sgx/bytes.ts";
import { aesCmac } from "../sgx/cmac.ts";
import { SGX_ERROR } from "../sgx/egetkey.ts";
import { parseEnclaveIdentity } from "../sgx/enclave-identity.ts";
import { KEYNAME, KEYPOLICY, type KeyRequest } from "../sgx/keyrequest.ts";
import { parseReport } from "../sgx/report.ts";
import { signSigstruct } from "../sgx/sign.ts";
import type { SigstructBody } from "../sgx/sigstruct.ts";
import { encodeTargetInfo } from "../sgx/targetinfo.ts";
import { withByte } from "../sgx/testing.ts";
import { answer, type Launched } from "./answer.ts";
import { CODE, REPLY_BYTES, type Request, STATUS_GP } from "./frame.ts";
import { LAUNCH_KEY_HASH, launchControl } from "./launch-control.ts";
import { deriveSecrets, type Secrets } from "./secrets.ts";
import { einitRequest, keyRequest, reportRequest, testBody, testKey } from "./testing.ts";

const root = new Uint8Array(32).fill(7);
const secrets = deriveSecrets(root);

function ask(request: Request, of: Secrets = secrets) {
  return answer(of, request, () => {});
}

/** EINIT's payload: identity and ticket. */
function launched(body: Partial<SigstructBody> = {}, of: Secrets = secrets): Uint8Array {
  const { status, payload } = ask(einitRequest({ body }), of);
  if (status !== 0 || payload === undefined) throw new Error(`EINIT: ${status}`);
  return payload;
}

function key(body: Partial<SigstructBody>, changes: Partial<KeyRequest>, of = secrets): string {
  const { status, payload } = ask(keyRequest(launched(body, of), changes), of);
  return status === 0 && payload !== undefined ? toHex(payload) : `status ${status}`;
}

test("HELLO names the platform", () => {
  const { payload } = ask({ code: CODE.HELLO, payload: new Uint8Array() });
  expect(payload?.length).toBe(REPLY_BYTES[CODE.HELLO]);
  expect(toHex(payload?.subarray(16) ?? new Uint8Array())).toBe("01".repeat(16));
});

describe("EINIT", () => {
  test("says who the enclave is, and the registry hears of it", () => {
    const heard: Launched[] = [];
    const { status, payload } = answer(secrets, einitRequest(), (one) => heard.push(one));
    expect(status).toBe(0);
    const identity = parseEnclaveIdentity(payload?.subarray(0, 192) ?? new Uint8Array());
    expect(identity).toMatchObject({ isvProdId: 7, isvSvn: 3 });
    expect(identity.attributes.flags).toBe(ATTRIBUTE.INIT | ATTRIBUTE.MODE64BIT);
    expect(heard).toEqual([{ identity, sizeBytes: 1n << 20n, pages: 12n, threads: 2 }]);
  });

  test("refuses a changed signature, and nobody hears of it", () => {
    const request = einitRequest();
    const forged = { ...request, payload: withByte(request.payload, 516) };
    const refused = answer(secrets, forged, () => {
      throw new Error("registered");
    });
    expect(refused.status).toBe(SGX_ERROR.INVALID_SIGNATURE);
  });

  test("PROVISION_KEY needs the host's provisioning device", () => {
    const attributes = { flags: ATTRIBUTE.MODE64BIT | ATTRIBUTE.PROVISIONKEY, xfrm: 3n };
    const changes = { body: { attributes } };
    expect(ask(einitRequest(changes)).status).toBe(SGX_ERROR.INVALID_ATTRIBUTE);
    expect(ask(einitRequest({ ...changes, flags: 2 })).status).toBe(0);
  });

  test("a reserved byte of the launch is #GP", () => {
    const request = einitRequest();
    const payload = withByte(request.payload, 1808 + 304 + 145);
    expect(ask({ ...request, payload }).status).toBe(STATUS_GP);
  });
});

describe("locked launch control", () => {
  const takesTokens = 1;
  const token = async (changes: Partial<SigstructBody> = {}, of = secrets) => {
    const body = testBody(changes);
    const sigstruct = signSigstruct(body, testKey);
    return await launchControl(of).token({
      mrEnclave: body.enclaveHash,
      modulus: sigstruct.slice(128, 512),
      attributes: sigstruct.slice(928, 944),
    });
  };
  const launch = (bytes: Uint8Array | undefined) =>
    ask(einitRequest({ flags: takesTokens, ...(bytes === undefined ? {} : { token: bytes }) }))
      .status;

  test("lets an enclave start with this platform's token for it, and with no other", async () => {
    expect(launch(await token())).toBe(0);
    const refused = SGX_ERROR.INVALID_EINITTOKEN;
    expect(launch(undefined)).toBe(refused);
    expect(launch(await token({ enclaveHash: new Uint8Array(32) }))).toBe(refused);
    expect(launch(await token({ attributes: { flags: 6n, xfrm: 3n } }))).toBe(refused);
    expect(launch(await token({}, deriveSecrets(new Uint8Array(32))))).toBe(refused);
  });

  test("every byte of a token that is under the MAC or decides on the key counts", async () => {
    const good = await token();
    for (const at of [0, 4, 48, 64, 96, 128, 191, 192, 208, 210, 236, 240, 256, 287, 288, 303]) {
      // MASKEDMISCSELECTLE: the launch enclave's MISCSELECT is 0, and the key is its own.
      const expected = at === 236 ? 0 : SGX_ERROR.INVALID_EINITTOKEN;
      expect([at, launch(withByte(good, at))]).toEqual([at, expected]);
    }
  });

  test("EINITTOKEN_KEY is the launch enclave's signer's alone", () => {
    const attributes = { flags: ATTRIBUTE.MODE64BIT | ATTRIBUTE.EINITTOKENKEY, xfrm: 3n };
    const locked = ask(einitRequest({ body: { attributes }, flags: takesTokens }));
    expect(locked.status).toBe(SGX_ERROR.INVALID_ATTRIBUTE);
    expect(ask(einitRequest({ body: { attributes } })).status).toBe(0);
    expect(LAUNCH_KEY_HASH).toHaveLength(32);
  });
});

describe("EGETKEY", () => {
  test("a seal key is the same at every start, and another on another machine", () => {
    const first = key({}, {});
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect(key({}, {}, deriveSecrets(root))).toBe(first);
    expect(key({}, {}, deriveSecrets(new Uint8Array(32)))).not.toBe(first);
  });

  test("sealed to the signer it survives an update, sealed to the enclave it does not", () => {
    const updated = { enclaveHash: new Uint8Array(32).fill(0xe1), isvSvn: 4 };
    const { MRSIGNER, MRENCLAVE } = KEYPOLICY;
    expect(key(updated, { keyPolicy: MRSIGNER })).toBe(key({}, { keyPolicy: MRSIGNER }));
    expect(key(updated, { keyPolicy: MRENCLAVE })).not.toBe(key({}, { keyPolicy: MRENCLAVE }));
  });

  test("it depends on product, SVN, CPUSVN and KEYID as asked", () => {
    const keys = [
      key({}, {}),
      key({ isvProdId: 8 }, {}),
      key({}, { isvSvn: 2 }),
      key({}, { cpuSvn: new Uint8Array(16).fill(1) }),
      key({}, { keyId: new Uint8Array(32).fill(1) }),
      key({}, { keyPolicy: KEYPOLICY.MRENCLAVE }),
      key({}, { keyPolicy: KEYPOLICY.MRENCLAVE | KEYPOLICY.MRSIGNER }),
      key({}, { attributeMask: { flags: 4n, xfrm: 0n } }),
      key({}, { miscMask: 1 }),
      key({}, { keyName: KEYNAME.REPORT }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.every((text) => /^[0-9a-f]{32}$/.test(text))).toBe(true);
  });

  test("what it refuses has the processor's number", () => {
    expect(key({}, { keyName: 9 })).toBe(`status ${SGX_ERROR.INVALID_KEYNAME}`);
    expect(key({}, { isvSvn: 4 })).toBe(`status ${SGX_ERROR.INVALID_ISVSVN}`);
    const newer = new Uint8Array(16).fill(2);
    expect(key({}, { cpuSvn: newer })).toBe(`status ${SGX_ERROR.INVALID_CPUSVN}`);
    expect(key({}, { keyName: KEYNAME.PROVISION })).toBe(`status ${SGX_ERROR.INVALID_ATTRIBUTE}`);
    expect(key({}, { keyName: KEYNAME.EINITTOKEN })).toBe(`status ${SGX_ERROR.INVALID_ATTRIBUTE}`);
    expect(key({}, { keyPolicy: 0x80 })).toBe(`status ${STATUS_GP}`);
    expect(key({}, { keyPolicy: KEYPOLICY.CONFIGID })).toBe(`status ${STATUS_GP}`);
  });

  test("an identity that this platform has not let start gets nothing, whatever byte is changed", () => {
    const good = launched();
    expect(ask(keyRequest(good)).status).toBe(0);
    for (let at = 0; at < good.length; at++) {
      expect(ask(keyRequest(withByte(good, at))).status).toBe(STATUS_GP);
    }
    const elsewhere = launched({}, deriveSecrets(new Uint8Array(32)));
    expect(ask(keyRequest(elsewhere)).status).toBe(STATUS_GP);
  });

  test("a reserved byte of KEYREQUEST is #GP", () => {
    const request = keyRequest(launched());
    for (const at of [6, 7, 78, 511]) {
      const payload = withByte(request.payload, 208 + at);
      expect(ask({ ...request, payload }).status).toBe(STATUS_GP);
    }
  });
});

test("a report holds in its target, under the target's report key, and nowhere else", () => {
  const [own, other] = [launched(), launched({ enclaveHash: new Uint8Array(32).fill(0xe1) })];
  const identity = parseEnclaveIdentity(own.subarray(0, 192));
  const target = encodeTargetInfo({
    measurement: identity.mrenclave,
    attributes: identity.attributes,
    cetAttributes: 0,
    configSvn: 0,
    miscSelect: 0,
    configId: identity.configId,
  });
  const { payload = new Uint8Array() } = ask(reportRequest(other, target));
  const report = parseReport(payload);
  expect(report.mrenclave).toEqual(new Uint8Array(32).fill(0xe1));
  expect(report.reportData).toEqual(new Uint8Array(64).fill(0xda));
  const keyOf = (who: Uint8Array) =>
    ask(keyRequest(who, { keyName: KEYNAME.REPORT, keyId: report.keyId })).payload;
  const mac = (by: Uint8Array | undefined) =>
    toHex(aesCmac(by ?? new Uint8Array(16), payload.subarray(0, 384)));
  expect(mac(keyOf(own))).toBe(toHex(report.mac));
  expect(mac(keyOf(other))).not.toBe(toHex(report.mac));
  expect(toHex(secrets.reportMac(payload.subarray(0, 384), report.keyId, target))).toBe(
    toHex(report.mac),
  );
});
