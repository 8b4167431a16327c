// SPDX-License-Identifier: Apache-2.0
import { beforeAll, describe, expect, test } from "bun:test";
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { integerFromLittleEndian, integerToLittleEndian, toHex } from "./bytes.ts";
import { assembleSigstruct, requireEnclaveKey, signSigstruct } from "./sign.ts";
import {
  encodeSignedPart,
  encodeSigstruct,
  mrsigner,
  parseSignedPart,
  parseSigstruct,
  type SigstructBody,
  signedPart,
} from "./sigstruct.ts";
import { codeOf, failureOf, newSigningKey, vectorsFolder, withByte } from "./testing.ts";
import { verifySigstruct } from "./verify.ts";

const body: SigstructBody = {
  type: 0,
  vendor: 0x8086,
  date: 0x2026_1123,
  swDefined: 1,
  miscSelect: 1,
  miscMask: 0xffff_fffe,
  cetAttributes: 2,
  cetAttributesMask: 3,
  isvFamilyId: new Uint8Array(16).fill(4),
  attributes: { flags: 6n, xfrm: 7n },
  attributeMask: { flags: 0xffff_ffff_ffff_fffdn, xfrm: 0xffff_ffff_ffff_ff1bn },
  enclaveHash: new Uint8Array(32).fill(5),
  isvExtProdId: new Uint8Array(16).fill(6),
  isvProdId: 0x1234,
  isvSvn: 0xfedc,
};

let key: KeyObject;
let signed: Uint8Array;
beforeAll(() => {
  key = newSigningKey();
  signed = signSigstruct(body, key);
});

describe("form", () => {
  test("what is signed is read back field by field", () => {
    const { modulus, exponent, signature, q1, q2, ...read } = parseSigstruct(signed);
    expect(read).toEqual(body);
    expect(exponent).toBe(3);
    expect(encodeSigstruct(parseSigstruct(signed))).toEqual(signed);
    for (const part of [modulus, signature, q1, q2]) expect(part.length).toBe(384);
  });

  test("every length but 1808 is refused", () => {
    for (const length of [0, 1, 16, 256, 1807, 1809, 4096]) {
      expect(codeOf(() => parseSigstruct(new Uint8Array(length)))).toBe("SGX_FORMAT");
    }
    expect(codeOf(() => parseSignedPart(new Uint8Array(255)))).toBe("SGX_FORMAT");
  });

  test("headers, vendor, type and reserved bytes must be what the SDM says", () => {
    const bad = [0, 4, 11, 12, 17, 24, 28, 32, 39, 44, 127, 910, 911, 992, 1007, 1028, 1039];
    for (const offset of bad) {
      expect([offset, codeOf(() => parseSigstruct(withByte(signed, offset)))]).toEqual([
        offset,
        "SGX_FORMAT",
      ]);
    }
    expect(parseSigstruct(withByte(signed, 15, 0x80)).type).toBe(0x8000_0000);
  });

  test("fields of a wrong size are never cut or padded", () => {
    expect(codeOf(() => encodeSignedPart({ ...body, enclaveHash: new Uint8Array(31) }))).toBe(
      "SGX_FORMAT",
    );
    expect(codeOf(() => mrsigner(new Uint8Array(383)))).toBe("SGX_FORMAT");
  });
});

describe("verification", () => {
  test("a fresh signature verifies, also for node:crypto", () => {
    const { mrsigner: signer, sigstruct } = verifySigstruct(signed);
    expect(signer).toEqual(mrsigner(sigstruct.modulus));
    const bigEndian = sigstruct.signature.toReversed();
    expect(verify("sha256", signedPart(signed), createPublicKey(key), bigEndian)).toBe(true);
  });

  test("signing is deterministic", () => {
    expect(signSigstruct(body, key)).toEqual(signed);
  });

  test("one changed bit anywhere is refused", () => {
    for (let offset = 0; offset < signed.length; offset += 7) {
      const changed = withByte(signed, offset, 1 << (offset % 8));
      expect([offset, codeOf(() => verifySigstruct(changed)) !== undefined]).toEqual([
        offset,
        true,
      ]);
    }
  });

  test("one changed byte in each signed field breaks the signature", () => {
    const fields = [12, 16, 20, 40, 900, 904, 908, 909, 912, 928, 936, 944, 952, 960, 991];
    for (const offset of [...fields, 1008, 1024, 1026]) {
      const change = offset === 12 ? 0 : offset === 16 ? 0 : 1;
      const changed =
        offset === 12
          ? withByte(signed, 15, 0x80)
          : offset === 16
            ? withByte(withByte(signed, 16, 0x86), 17, 0x80)
            : withByte(signed, offset, change);
      const failure = failureOf(() => verifySigstruct(changed));
      expect([offset, failure?.code, failure?.reason]).toEqual([
        offset,
        "SGX_SIGNATURE",
        "SIGNATURE is not MODULUS's over the signed fields",
      ]);
    }
  });

  test("Q1 and Q2 off by one in either direction are refused by name", () => {
    for (const [name, offset] of [["Q1", 1040] as const, ["Q2", 1424] as const]) {
      const value = integerFromLittleEndian(signed.subarray(offset, offset + 384));
      for (const delta of [-1n, 1n]) {
        const changed = Uint8Array.from(signed);
        changed.set(integerToLittleEndian(value + delta, 384), offset);
        expect(failureOf(() => verifySigstruct(changed))?.reason).toStartWith(`${name} is not`);
      }
    }
  });

  test("a signature not below the modulus is refused, congruent or not", () => {
    const { modulus, signature } = parseSigstruct(signed);
    const n = integerFromLittleEndian(modulus);
    const candidates = [n, n + 1n, n + integerFromLittleEndian(signature), (1n << 3072n) - 1n];
    for (const s of candidates.filter((candidate) => candidate < 1n << 3072n)) {
      const changed = Uint8Array.from(signed);
      changed.set(integerToLittleEndian(s, 384), 516);
      expect(failureOf(() => verifySigstruct(changed))?.reason).toContain("not below MODULUS");
    }
  });

  test("exponents other than 3 and moduli that are none are refused", () => {
    for (const exponent of [0, 1, 2, 65537]) {
      const changed = Uint8Array.from(signed);
      new DataView(changed.buffer).setUint32(512, exponent, true);
      expect(failureOf(() => verifySigstruct(changed))?.reason).toContain(`is ${exponent}, not 3`);
    }
    for (const modulus of [0n, 1n, (1n << 3071n) - 1n, 1n << 3071n]) {
      const changed = Uint8Array.from(signed);
      changed.set(integerToLittleEndian(modulus, 384), 128);
      expect(codeOf(() => verifySigstruct(changed))).toBe("SGX_KEY");
    }
  });

  test("the signature zero, which is its own cube, is refused", () => {
    const changed = Uint8Array.from(signed);
    changed.fill(0, 516, 900).fill(0, 1040);
    expect(codeOf(() => verifySigstruct(changed))).toBe("SGX_SIGNATURE");
  });
});

describe("keys", () => {
  test("a signature made elsewhere gives the same SIGSTRUCT", () => {
    const { signature } = parseSigstruct(signed);
    const outside = assembleSigstruct(
      signedPart(signed),
      createPublicKey(key),
      signature.toReversed(),
    );
    expect(outside).toEqual(signed);
  });

  test("a signature for other bytes, or of another length, is refused", () => {
    const { signature } = parseSigstruct(signed);
    const publicKey = createPublicKey(key);
    const other = encodeSignedPart({ ...body, isvSvn: 1 });
    const bigEndian = signature.toReversed();
    expect(codeOf(() => assembleSigstruct(other, publicKey, bigEndian))).toBe("SGX_SIGNATURE");
    for (const length of [0, 383, 385]) {
      const wrong = new Uint8Array(length);
      expect(codeOf(() => assembleSigstruct(other, publicKey, wrong))).toBe("SGX_SIGNATURE");
    }
    const tooLarge = new Uint8Array(384).fill(0xff);
    expect(codeOf(() => assembleSigstruct(other, publicKey, tooLarge))).toBe("SGX_SIGNATURE");
  });

  test("other sizes, other exponents, public keys do not sign", () => {
    expect(failureOf(() => signSigstruct(body, newSigningKey(2048)))?.reason).toContain("2048");
    expect(failureOf(() => signSigstruct(body, newSigningKey(3072, 65537)))?.reason).toContain(
      "65537",
    );
    expect(codeOf(() => signSigstruct(body, createPublicKey(key)))).toBe("SGX_KEY");
    expect(requireEnclaveKey(createPublicKey(key))).toBe(requireEnclaveKey(key));
  });
});

describe("reference vectors", () => {
  const fortanix = vectorsFolder("sigstruct-fortanix-sig1");
  const why = fortanix === undefined ? " (skipped: ../shared/vectors is not there)" : "";
  test.skipIf(fortanix === undefined)(`Fortanix's sig1 verifies and re-encodes${why}`, () => {
    if (fortanix === undefined) return;
    const bytes = new Uint8Array(readFileSync(join(fortanix, "sig1.sigstruct.bin")));
    const { sigstruct } = verifySigstruct(bytes);
    expect(encodeSigstruct(sigstruct)).toEqual(bytes);
    expect(toHex(sigstruct.enclaveHash)).toBe(
      "c50673624a6cb17c1c6c2a4e6906f47a170c4629b8723781d1017ef376f1a75d",
    );
    expect(sigstruct.date).toBe(0x2016_0109);
    expect(sigstruct.attributes.xfrm).toBe(3n);
    // Its tool's option `--xfrm 3/0xe4` names the bits that are not compared.
    expect(sigstruct.attributeMask.xfrm).toBe(0xffff_ffff_ffff_ff1bn);
  });

  const seed = vectorsFolder("launch-token-inclavare");
  test.skipIf(seed === undefined)(`the original's hello-world.sig verifies${why}`, () => {
    if (seed === undefined) return;
    const bytes = new Uint8Array(readFileSync(join(seed, "hello-world.sig")));
    const { sigstruct, mrsigner: signer } = verifySigstruct(bytes);
    expect(toHex(signer)).toBe("5bde1ae94215c4ad6c6c4430ba880fd841b2184637ac907a44b832b1b226bbd4");
    expect(toHex(sigstruct.enclaveHash)).toBe(
      "7470ffc919e823e0f6a9592e05fe523b228b491865aadf0cfe7ce5ddd31412b5",
    );
    expect(sigstruct.attributes).toEqual({ flags: 6n, xfrm: 3n });
  });
});
