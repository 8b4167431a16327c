// SPDX-License-Identifier: Apache-2.0
/** The simulator's EINIT against SIGSTRUCTs made afresh by OpenSSL and by src/sgx. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createPrivateKey, type KeyObject } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ATTRIBUTE, writeAttributes } from "../../src/sgx/attributes.ts";
import { integerToLittleEndian } from "../../src/sgx/bytes.ts";
import { einit as einitOf } from "../../src/sgx/einit.ts";
import { cubeWithQuotients } from "../../src/sgx/rsa.ts";
import { assembleSigstruct, requireEnclaveKey, signSigstruct } from "../../src/sgx/sign.ts";
import {
  encodeSignedPart,
  encodeSigstruct,
  mrsigner,
  RSA_BYTES,
  type SigstructBody,
  TYPE_DEBUG,
  VENDOR_INTEL,
} from "../../src/sgx/sigstruct.ts";
import { buildDriver, drive, hex } from "./driver.ts";

const INVALID_SIG_STRUCT = 1;
const INVALID_ATTRIBUTE = 2;
const INVALID_MEASUREMENT = 4;
const INVALID_SIGNATURE = 8;

const scratch = mkdtempSync(join(tmpdir(), "inclavare-einit-"));
const keyFile = join(scratch, "key.pem");
let key: KeyObject;
let modulus: bigint;
let signer: string;

beforeAll(() => {
  buildDriver();
  openssl("genrsa", "-3", "-out", keyFile, "3072");
  key = createPrivateKey(readFileSync(keyFile));
  modulus = requireEnclaveKey(key);
  signer = hex(mrsigner(integerToLittleEndian(modulus, RSA_BYTES)));
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const body: SigstructBody = {
  type: 0,
  vendor: 0,
  date: 0x20261123,
  swDefined: 0,
  miscSelect: 0,
  miscMask: 0xffff_ffff,
  cetAttributes: 0,
  cetAttributesMask: 0,
  isvFamilyId: new Uint8Array(16),
  attributes: { flags: ATTRIBUTE.MODE64BIT, xfrm: 3n },
  attributeMask: { flags: ~ATTRIBUTE.DEBUG & 0xffff_ffff_ffff_ffffn, xfrm: 0x1bn },
  enclaveHash: Uint8Array.from({ length: 32 }, (_, at) => 200 - at),
  isvExtProdId: new Uint8Array(16),
  isvProdId: 1,
  isvSvn: 2,
};

type Enclave = {
  readonly flags?: bigint;
  readonly xfrm?: bigint;
  readonly miscSelect?: number;
  readonly mrenclave?: Uint8Array;
  readonly launchKeyHash?: string;
};

/** EINIT's error code and MRSIGNER for an enclave that differs from `body` only as said. */
function einit(sigstruct: Uint8Array, enclave: Enclave = {}): { error: number; signer: string } {
  const args = [
    (enclave.flags ?? body.attributes.flags).toString(16),
    (enclave.xfrm ?? body.attributes.xfrm).toString(16),
    (enclave.miscSelect ?? 0).toString(16),
    hex(enclave.mrenclave ?? body.enclaveHash),
  ];
  if (enclave.launchKeyHash !== undefined) args.push(enclave.launchKeyHash);
  const [error = "", mrsignerHex = ""] = drive(["einit", ...args], sigstruct);
  expect(einitOfService(sigstruct, enclave)).toBe(Number(error));
  return { error: Number(error), signer: mrsignerHex };
}

/** What src/sgx says, behind the platform service: the same, for every SIGSTRUCT of these tests. */
function einitOfService(sigstruct: Uint8Array, enclave: Enclave): number {
  const { launchKeyHash: hash } = enclave;
  const attributes = {
    flags: enclave.flags ?? body.attributes.flags,
    xfrm: enclave.xfrm ?? body.attributes.xfrm,
  };
  const mrenclave = enclave.mrenclave ?? body.enclaveHash;
  const token = new Uint8Array(304);
  token[0] = 1;
  writeAttributes(token, 48, attributes);
  token.set(mrenclave, 64);
  token.set(mrsigner(sigstruct.subarray(128, 512)), 128);
  const view = {
    attributes,
    miscSelect: enclave.miscSelect ?? 0,
    configSvn: 0,
    configId: new Uint8Array(64),
    mrenclave,
  };
  const { error = 0 } = einitOf(view, sigstruct, token, {
    ...(hash === undefined ? {} : { launchKeyHash: Buffer.from(hash, "hex") }),
    tokenHolds: () => true,
    mayProvision: true,
  });
  return error;
}

function signed(change: Partial<SigstructBody>): Uint8Array {
  return signSigstruct({ ...body, ...change }, key);
}

/** A SIGSTRUCT around any number below the modulus, with the right quotients. */
function withSignature(signature: bigint): Uint8Array {
  const { q1, q2 } = cubeWithQuotients(signature, modulus);
  return encodeSigstruct({
    ...body,
    exponent: 3,
    modulus: integerToLittleEndian(modulus, RSA_BYTES),
    signature: integerToLittleEndian(signature, RSA_BYTES),
    q1: integerToLittleEndian(q1, RSA_BYTES),
    q2: integerToLittleEndian(q2, RSA_BYTES),
  });
}

describe("a SIGSTRUCT signed by the openssl command", () => {
  test("passes and yields SHA-256 of the modulus", () => {
    const part = encodeSignedPart(body);
    const sigstruct = assembleSigstruct(part, key, opensslSign(part, "-sha256"));
    expect(einit(sigstruct)).toEqual({ error: 0, signer });
  });

  test("of another digest is refused", () => {
    for (const digest of ["-sha1", "-sha512"]) {
      const signature = opensslSign(encodeSignedPart(body), digest);
      expect(einit(withSignature(BigInt(`0x${hex(signature)}`))).error).toBe(INVALID_SIGNATURE);
    }
  });

  test("with PSS padding is refused", () => {
    const pss = ["-sha256", "-sigopt", "rsa_padding_mode:pss"];
    const signature = opensslSign(encodeSignedPart(body), ...pss);
    expect(einit(withSignature(BigInt(`0x${hex(signature)}`))).error).toBe(INVALID_SIGNATURE);
  });
});

describe("a forged SIGSTRUCT is refused", () => {
  test("whose cube only begins like a padded digest (CVE-2006-4339)", () => {
    const digest = new Bun.CryptoHasher("sha256").update(encodeSignedPart(body)).digest("hex");
    const start = `0001ffffffffffffffff003031300d060960864801650304020105000420${digest}`;
    const wanted = BigInt(`0x${start.padEnd(RSA_BYTES * 2, "f")}`);
    const root = cubeRoot(wanted);
    expect(
      (root ** 3n)
        .toString(16)
        .padStart(RSA_BYTES * 2, "0")
        .startsWith(start),
    ).toBe(true);
    expect(einit(withSignature(root)).error).toBe(INVALID_SIGNATURE);
  });

  test("made of the numbers 0, 1 and modulus - 1", () => {
    for (const signature of [0n, 1n, modulus - 1n]) {
      expect(einit(withSignature(signature)).error).toBe(INVALID_SIGNATURE);
    }
  });
});

describe("what EINIT demands of form", () => {
  test("Intel's vendor is as good as none", () => {
    expect(einit(signed({ vendor: VENDOR_INTEL })).error).toBe(0);
  });

  test("a debug TYPE and CET are refused, signed or not", () => {
    expect(einit(signed({ type: TYPE_DEBUG })).error).toBe(INVALID_SIG_STRUCT);
    expect(einit(signed({ cetAttributes: 1 })).error).toBe(INVALID_SIG_STRUCT);
    expect(einit(signed({ cetAttributesMask: 1 })).error).toBe(INVALID_SIG_STRUCT);
  });

  test("ISVFAMILYID needs KSS, which is looked at before the measurement", () => {
    const flags = ATTRIBUTE.MODE64BIT | ATTRIBUTE.KSS;
    const isvFamilyId = Uint8Array.from({ length: 16 }, (_, at) => at);
    const sigstruct = signed({ isvFamilyId, attributes: { flags, xfrm: 3n } });
    const mrenclave = new Uint8Array(32);
    expect(einit(sigstruct, { flags }).error).toBe(0);
    expect(einit(sigstruct, { mrenclave }).error).toBe(INVALID_SIG_STRUCT);
    expect(einit(sigstruct, { flags, mrenclave }).error).toBe(INVALID_MEASUREMENT);
  });
});

describe("what EINIT demands of the enclave", () => {
  test("random attributes, masks and enclaves come out as the masks say", () => {
    for (let round = 0; round < 40; round++) {
      const [wanted, mask, has] = [randomFields(), randomFields(), randomFields()];
      const sigstruct = signed({
        attributes: wanted,
        attributeMask: mask,
        miscSelect: wanted.misc,
        miscMask: mask.misc,
      });
      const fits =
        ((wanted.flags ^ has.flags) & mask.flags) === 0n &&
        ((wanted.xfrm ^ has.xfrm) & mask.xfrm) === 0n &&
        ((wanted.misc ^ has.misc) & mask.misc) === 0;
      const result = einit(sigstruct, { ...has, miscSelect: has.misc });
      expect(result.error).toBe(fits ? 0 : INVALID_ATTRIBUTE);
    }
  });

  test("the launch key's attribute needs the launch key's signer", () => {
    const flags = ATTRIBUTE.MODE64BIT | ATTRIBUTE.EINITTOKENKEY;
    const sigstruct = signed({ attributes: { flags, xfrm: 3n } });
    const stranger = "00".repeat(32);
    expect(einit(sigstruct, { flags, launchKeyHash: signer }).error).toBe(0);
    expect(einit(sigstruct, { flags, launchKeyHash: stranger }).error).toBe(INVALID_ATTRIBUTE);
    expect(einit(sigstruct, { flags }).error).toBe(0);
    expect(einit(signed({}), { launchKeyHash: stranger }).error).toBe(0);
  });
});

/** Few bits, so that enclaves fit as often as not. */
function randomFields(): { flags: bigint; xfrm: bigint; misc: number } {
  const bits = (shift: number) => Math.floor(Math.random() * 2) << shift;
  return {
    flags: BigInt(bits(2)) | (BigInt(bits(0)) << 48n),
    xfrm: BigInt(bits(1)) | (BigInt(bits(0)) << 63n),
    misc: bits(0),
  };
}

/** floor(value^(1/3)), by Newton from above. */
function cubeRoot(value: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(value.toString(2).length / 3) + 1);
  for (;;) {
    const next = (2n * root + value / (root * root)) / 3n;
    if (next >= root) return root;
    root = next;
  }
}

/** The signature as the openssl command writes it: big-endian. */
function opensslSign(message: Uint8Array, ...options: string[]): Uint8Array {
  const [input, output] = [join(scratch, "message"), join(scratch, "signature")];
  writeFileSync(input, message);
  openssl("dgst", ...options, "-sign", keyFile, "-out", output, input);
  return readFileSync(output);
}

function openssl(...args: string[]): void {
  const child = Bun.spawnSync(["openssl", ...args]);
  if (child.exitCode !== 0) throw new Error(`openssl ${args[0]}: ${child.stderr}`);
}
