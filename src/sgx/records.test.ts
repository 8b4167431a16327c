// SPDX-License-Identifier: Apache-2.0
/** EINITTOKEN, REPORT, TARGETINFO, SECS and SECINFO: the records of fixed size. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ATTRIBUTE, bitNames } from "./attributes.ts";
import { toHex, viewOf } from "./bytes.ts";
import { parseEinitToken } from "./einittoken.ts";
import { parseReport } from "./report.ts";
import { encodeSecinfo, encodeSecs, SECINFO } from "./secs.ts";
import { encodeTargetInfo, parseTargetInfo } from "./targetinfo.ts";
import { codeOf, vectorsFolder, withByte } from "./testing.ts";

/** Bytes that say where they are, with the reserved ranges zero. */
function numbered(size: number, reserved: readonly (readonly [number, number])[]): Uint8Array {
  const bytes = Uint8Array.from({ length: size }, (_, at) => (at % 251) + 1);
  for (const [start, end] of reserved) bytes.fill(0, start, end);
  return bytes;
}

describe("REPORT", () => {
  const reserved = [
    [21, 32],
    [96, 128],
    [160, 192],
    [262, 304],
  ] as const;
  const bytes = numbered(432, reserved);

  test("fields lie where the SDM says", () => {
    const report = parseReport(bytes);
    const view = viewOf(bytes);
    expect(report.cpuSvn).toEqual(bytes.slice(0, 16));
    expect(report.miscSelect).toBe(view.getUint32(16, true));
    expect(report.mrenclave).toEqual(bytes.slice(64, 96));
    expect(report.mrsigner).toEqual(bytes.slice(128, 160));
    expect(report.isvProdId).toBe(view.getUint16(256, true));
    expect(report.reportData).toEqual(bytes.slice(320, 384));
    expect(report.keyId).toEqual(bytes.slice(384, 416));
    expect(report.mac).toEqual(bytes.slice(416, 432));
  });

  test("other lengths and reserved bytes are refused", () => {
    for (const length of [0, 384, 431, 433]) {
      expect(codeOf(() => parseReport(new Uint8Array(length)))).toBe("SGX_FORMAT");
    }
    for (const [start, end] of reserved) {
      expect(codeOf(() => parseReport(withByte(bytes, start)))).toBe("SGX_FORMAT");
      expect(codeOf(() => parseReport(withByte(bytes, end - 1)))).toBe("SGX_FORMAT");
    }
  });
});

describe("TARGETINFO", () => {
  const reserved = [
    [49, 50],
    [56, 64],
    [128, 512],
  ] as const;
  const bytes = numbered(512, reserved);

  test("is written as it is read", () => {
    expect(encodeTargetInfo(parseTargetInfo(bytes))).toEqual(bytes);
  });

  test("other lengths and reserved bytes are refused", () => {
    for (const length of [0, 128, 511, 513]) {
      expect(codeOf(() => parseTargetInfo(new Uint8Array(length)))).toBe("SGX_FORMAT");
    }
    for (const [start, end] of reserved) {
      expect(codeOf(() => parseTargetInfo(withByte(bytes, start)))).toBe("SGX_FORMAT");
      expect(codeOf(() => parseTargetInfo(withByte(bytes, end - 1)))).toBe("SGX_FORMAT");
    }
  });
});

describe("EINITTOKEN", () => {
  const reserved = [
    [1, 48],
    [96, 128],
    [160, 192],
    [212, 236],
  ] as const;
  const bytes = numbered(304, reserved);

  test("other lengths, values of VALID and reserved bytes are refused", () => {
    expect(parseEinitToken(bytes).valid).toBe(true);
    expect(parseEinitToken(new Uint8Array(304)).valid).toBe(false);
    for (const length of [0, 303, 305, 1024]) {
      expect(codeOf(() => parseEinitToken(new Uint8Array(length)))).toBe("SGX_FORMAT");
    }
    expect(codeOf(() => parseEinitToken(withByte(bytes, 0, 2)))).toBe("SGX_FORMAT");
    for (const [start, end] of reserved) {
      expect(codeOf(() => parseEinitToken(withByte(bytes, start)))).toBe("SGX_FORMAT");
      expect(codeOf(() => parseEinitToken(withByte(bytes, end - 1)))).toBe("SGX_FORMAT");
    }
  });

  const folder = vectorsFolder("launch-token-inclavare");
  const why = folder === undefined ? " (skipped: ../shared/vectors is not there)" : "";
  test.skipIf(folder === undefined)(`a real token reads as its published dump says${why}`, () => {
    if (folder === undefined) return;
    const dump = readFileSync(join(folder, "token-dump.txt"), "utf8").split("EINITTOKEN:")[1] ?? "";
    const value = (label: string) => {
      const match = new RegExp(`${label}\\s*:\\s*0x([0-9a-f]+)`).exec(dump);
      return Buffer.from(match?.[1] ?? "", "hex");
    };
    const token = new Uint8Array(304);
    token[0] = 1;
    token.set(value("Enclave Attributes"), 48);
    token.set(value("Enclave Hash"), 64);
    token.set(value("Enclave Signer"), 128);
    token.set(value("CPU SVN"), 192);
    token.set(value("Product ID").reverse(), 208);
    token[210] = 3;
    token.set(value("Masked Attributes"), 240);
    token.set(value("Key ID"), 256);
    token.set(value("MAC"), 288);
    const parsed = parseEinitToken(token);
    expect(parsed.valid).toBe(true);
    expect(parsed.attributes).toEqual({ flags: 6n, xfrm: 3n });
    expect(toHex(parsed.mrenclave)).toStartWith("7470ffc9");
    expect(toHex(parsed.mrsigner)).toStartWith("5bde1ae9");
    expect(toHex(parsed.launchCpuSvn)).toBe("050e0204ff0200000000000000000000");
    expect(parsed.launchIsvProdId).toBe(0x20);
    expect(parsed.launchIsvSvn).toBe(3);
    expect(parsed.launchMaskedAttributes).toEqual({ flags: 0x21n, xfrm: 0n });
    expect(toHex(parsed.mac)).toBe("135de69cd3bcbaa09264c7a5b985d0bf");
  });
});

test("SECS and SECINFO carry their fields at the SDM's offsets", () => {
  const secs = encodeSecs({
    size: 0x10000n,
    base: 0x7000_0000_0000n,
    ssaFramePages: 2,
    miscSelect: 1,
    attributes: { flags: 6n, xfrm: 7n },
  });
  const view = viewOf(secs);
  expect(secs.length).toBe(4096);
  expect(view.getBigUint64(0, true)).toBe(0x10000n);
  expect(view.getBigUint64(8, true)).toBe(0x7000_0000_0000n);
  expect(view.getUint32(16, true)).toBe(2);
  expect(view.getUint32(20, true)).toBe(1);
  expect(view.getBigUint64(48, true)).toBe(6n);
  expect(view.getBigUint64(56, true)).toBe(7n);
  const secinfo = encodeSecinfo(SECINFO.REG | SECINFO.R | SECINFO.W | SECINFO.X);
  expect(toHex(secinfo)).toBe(`0702${"00".repeat(62)}`);
});

test("attribute bits have names, and what has none is shown", () => {
  expect(bitNames(6n, ATTRIBUTE)).toEqual(["DEBUG", "MODE64BIT"]);
  expect(bitNames(0x8000n | 2n, ATTRIBUTE)).toEqual(["DEBUG", "0x8000"]);
  expect(bitNames(0n, ATTRIBUTE)).toEqual([]);
});
