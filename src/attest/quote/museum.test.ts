// SPDX-License-Identifier: Apache-2.0
/** Quotes whose sizes, types and counts lie. */
import { describe, expect, test } from "bun:test";
import { makeEvidence } from "../testing/evidence.ts";
import { parseEpidQuote, parseEpidQuoteBody } from "./epid.ts";
import { LONGEST_QUOTE_BYTES, parseQuote } from "./quote.ts";

const v3 = makeEvidence().quote;
const v4 = makeEvidence({ version: 4, body: "td10" }).quote;
const v5 = makeEvidence({ version: 5, body: "td15" }).quote;

function u16(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const changed = bytes.slice();
  new DataView(changed.buffer).setUint16(at, value, true);
  return changed;
}

function u32(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const changed = bytes.slice();
  new DataView(changed.buffer).setUint32(at, value, true);
  return changed;
}

/** Offsets of sizes: version 3's body ends at 432, version 4's at 632, version 5's at 702. */
const SIZE = { v3: 432, v4: 632, v5: 702 } as const;

describe("sizes", () => {
  const announced = new DataView(v3.buffer).getUint32(SIZE.v3, true);
  const outer = new DataView(v4.buffer).getUint32(SIZE.v4 + 4 + 130, true);
  const chain = SIZE.v3 + 4 + 128 + 384 + 64 + 2 + 32;
  const wrong: Record<string, Uint8Array> = {
    nothing: new Uint8Array(),
    "a header only": v3.subarray(0, 48),
    "no signature data": v3.subarray(0, 436),
    "signature data of no bytes": u32(v3, SIZE.v3, 0),
    "signature data one shorter": u32(v3, SIZE.v3, announced - 1),
    "signature data one longer": u32(v3, SIZE.v3, announced + 1),
    "signature data of 4 GiB": u32(v3, SIZE.v3, 0xffff_ffff),
    "authentication data of 65535 bytes": u16(v3, chain - 34, 0xffff),
    "authentication data of no bytes": u16(v3, chain - 34, 0),
    "a chain of 4 GiB": u32(v3, chain + 2, 0xffff_ffff),
    "a chain of no bytes": u32(v3, chain + 2, 0),
    "a chain one shorter": u32(v3, chain + 2, announced - 617),
    "version 4: outer data one shorter": u32(v4, SIZE.v4 + 4 + 130, outer - 1),
    "version 4: outer data one longer": u32(v4, SIZE.v4 + 4 + 130, outer + 1),
    "version 4: outer data of 4 GiB": u32(v4, SIZE.v4 + 4 + 130, 0xffff_ffff),
    "version 5: body of another size": u32(v5, 50, 584),
    "version 5: body of 4 GiB": u32(v5, 50, 0xffff_ffff),
  };
  for (const [name, bytes] of Object.entries(wrong)) {
    test(name, () => {
      for (const allowTrailing of [false, true]) {
        expect(() => parseQuote(bytes, { allowTrailing })).toThrow(/read (quote|REPORT)/);
      }
    });
  }
  test("a file that is too long is not looked at", () => {
    const huge = new Uint8Array(LONGEST_QUOTE_BYTES + 1);
    huge.set(v3);
    expect(() => parseQuote(huge, { allowTrailing: true })).toThrow("more than");
  });
});

describe("types", () => {
  const types: Record<string, Uint8Array> = {
    "version 4: outer data of type 5": u16(v4, SIZE.v4 + 4 + 128, 5),
    "version 4: a QE report in a QE report": u16(v4, SIZE.v4 + 4 + 134 + 384 + 64 + 2 + 32, 6),
    "version 3: a QE report as certification": u16(v3, SIZE.v3 + 4 + 128 + 384 + 64 + 2 + 32, 6),
    "certification data of type 0": u16(v3, SIZE.v3 + 4 + 128 + 384 + 64 + 2 + 32, 0),
    "certification data of type 8": u16(v3, SIZE.v3 + 4 + 128 + 384 + 64 + 2 + 32, 8),
    "version 5: body type 0": u16(v5, 48, 0),
    "version 5: body type 4": u16(v5, 48, 4),
    "version 5: body type of TD 1.0": u16(v5, 48, 2),
    "version 5: body type of SGX": u16(v5, 48, 1),
    "version 5: TEE type of SGX": u32(v5, 4, 0),
    "version 4: TEE type 0x82": u32(v4, 4, 0x82),
  };
  for (const [name, bytes] of Object.entries(types)) {
    test(name, () => expect(() => parseQuote(bytes)).toThrow(/read quote/));
  }
});

test("PPIDs have the size of their type", () => {
  for (const certificationType of [1, 2, 3] as const) {
    const { quote } = makeEvidence({ certificationType });
    const at = SIZE.v3 + 4 + 128 + 384 + 64 + 2 + 32;
    for (const other of [1, 2, 3].filter((one) => one !== certificationType)) {
      expect(() => parseQuote(u16(quote, at, other))).toThrow();
    }
  }
});

describe("EPID", () => {
  const quote = new Uint8Array(440);
  quote.set([2, 0, 1]);
  quote[432] = 4;
  test("a whole quote", () => {
    expect(parseEpidQuote(quote)).toMatchObject({
      version: 2,
      signType: "linkable",
      signatureBytes: 4,
    });
  });
  const wrong: Record<string, Uint8Array> = {
    short: quote.subarray(0, 435),
    "signature one shorter": quote.with(432, 3),
    "signature one longer": quote.with(432, 5),
    "signature of 4 GiB": u32(quote, 432, 0xffff_ffff),
    "version 3": quote.with(0, 3),
    "sign type 2": quote.with(2, 2),
    "reserved bytes in the report": quote.with(48 + 100, 1),
  };
  for (const [name, bytes] of Object.entries(wrong)) {
    test(name, () => expect(() => parseEpidQuote(bytes)).toThrow());
  }
  test("a body of another size", () => {
    expect(() => parseEpidQuoteBody(quote)).toThrow("440 bytes instead of 432");
  });
});
