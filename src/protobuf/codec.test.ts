// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { decode, encode } from "./codec.ts";
import { type Schema, schema } from "./schema.ts";

type Inner = { readonly name: string; readonly count: number };
const Inner: Schema<Inner> = schema("test.Inner", { name: [1, "string"], count: [2, "uint32"] });

type All = {
  readonly text: string;
  readonly raw: Uint8Array;
  readonly yes: boolean;
  readonly small: number;
  readonly signed: number;
  readonly large: bigint;
  readonly longSigned: bigint;
  readonly inner: Inner | undefined;
  readonly many: readonly Inner[];
  readonly numbers: readonly bigint[];
  readonly words: readonly string[];
  readonly map: ReadonlyMap<string, string>;
};
const All: Schema<All> = schema("test.All", {
  text: [1, "string"],
  raw: [2, "bytes"],
  yes: [3, "bool"],
  small: [4, "uint32"],
  signed: [5, "int32"],
  large: [6, "uint64"],
  longSigned: [7, "int64"],
  inner: [8, Inner],
  many: [9, Inner, "list"],
  numbers: [10, "uint64", "list"],
  words: [11, "string", "list"],
  map: [12, "string", "map"],
});

const full: All = {
  text: "ä",
  raw: Uint8Array.of(0, 255),
  yes: true,
  small: 2 ** 32 - 1,
  signed: -1,
  large: 2n ** 64n - 1n,
  longSigned: -(2n ** 63n),
  inner: { name: "i", count: 0 },
  many: [
    { name: "", count: 0 },
    { name: "b", count: 2 },
  ],
  numbers: [0n, 300n],
  words: ["", "w"],
  map: new Map([
    ["k", "v"],
    ["", ""],
  ]),
};

const defaults: All = {
  text: "",
  raw: new Uint8Array(),
  yes: false,
  small: 0,
  signed: 0,
  large: 0n,
  longSigned: 0n,
  inner: undefined,
  many: [],
  numbers: [],
  words: [],
  map: new Map(),
};

test("every kind of field comes back as it went", () => {
  expect(decode(All, encode(All, full))).toEqual(full);
  expect(decode(All, encode(All, {}))).toEqual(defaults);
  expect(encode(All, defaults).length).toBe(0);
});

test("the bytes are those of the format", () => {
  const hex = (bytes: Uint8Array) => bytes.toHex();
  expect(hex(encode(All, { text: "a" }))).toBe("0a0161");
  expect(hex(encode(All, { signed: -1 }))).toBe("28ffffffffffffffffff01");
  expect(hex(encode(All, { inner: {} }))).toBe("4200");
  expect(hex(encode(All, { numbers: [1n, 300n] }))).toBe("520301ac02");
  expect(hex(encode(All, { map: new Map([["a", "b"]]) }))).toBe(
    "62060a016112 0162".replace(" ", ""),
  );
});

test("numbers of a list may come one by one, a message in two parts, unknown fields anywhere", () => {
  const bytes = Uint8Array.fromHex("5001" + "50ac02" + "42030a0178" + "42021005" + "f80105");
  expect(decode(All, bytes)).toEqual({
    ...defaults,
    numbers: [1n, 300n],
    inner: { name: "x", count: 5 },
  });
});

test("a known number with another type of value is an unknown field", () => {
  expect(decode(All, Uint8Array.fromHex("0805"))).toEqual(defaults);
});

test("a map's entry may lack key or value, and the last of a key counts", () => {
  const bytes = Uint8Array.fromHex("6200" + "62030a0161" + "62060a0161120162");
  expect(decode(All, bytes).map).toEqual(
    new Map([
      ["", ""],
      ["a", "b"],
    ]),
  );
});

test("a map's key cannot reach what objects inherit", () => {
  const bytes = encode(All, { map: new Map([["__proto__", "x"]]) });
  expect(decode(All, bytes).map.get("__proto__")).toBe("x");
});

test.each([
  ["cut in a tag", "8a"],
  ["cut in a length", "0a80"],
  ["cut in a string", "0a0561"],
  ["cut in a nested message", "42030a0561"],
  ["a varint of eleven bytes", "20ffffffffffffffffffff01"],
  ["field number 0", "0005"],
  ["an end of no group", "0c"],
  ["groups a hundred deep", "0b".repeat(200)],
  ["text that is no UTF-8", "0a01ff"],
])("%s is an error", (_, hex) => {
  expect(() => decode(All, Uint8Array.fromHex(hex))).toThrow("read `test.All`: no protocol buffer");
});

test("no prefix of a message reads past its end", () => {
  const bytes = encode(All, full);
  for (let length = 0; length < bytes.length; length++) {
    try {
      decode(All, bytes.subarray(0, length));
    } catch (error) {
      expect(String(error)).toContain("no protocol buffer");
    }
  }
});

test("a value outside its field's range is not written", () => {
  expect(() => encode(All, { small: -1 })).toThrow();
  expect(() => encode(All, { large: -1n })).toThrow();
});

test("what is decoded shares no memory with the bytes", () => {
  const bytes = encode(All, { raw: Uint8Array.of(1, 2) });
  const { raw } = decode(All, bytes);
  bytes.fill(0);
  expect([...raw]).toEqual([1, 2]);
});
