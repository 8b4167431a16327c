// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { parseVariant } from "./variant-text.ts";

test("values of every kind", () => {
  const cases: Record<string, unknown> = {
    true: { signature: "b", value: true },
    " false ": { signature: "b", value: false },
    "5": { signature: "i", value: 5n },
    "-5": { signature: "i", value: -5n },
    "0x10": { signature: "i", value: 16n },
    "1.5": { signature: "d", value: 1.5 },
    "uint64 18446744073709551615": { signature: "t", value: (1n << 64n) - 1n },
    "uint32 7": { signature: "u", value: 7n },
    "byte 0xff": { signature: "y", value: 255n },
    "double 2": { signature: "d", value: 2 },
    "'it'": { signature: "s", value: "it" },
    '"a\\n\\"b\\u00e9"': { signature: "s", value: 'a\n"bé' },
    "objectpath '/a'": { signature: "o", value: "/a" },
    "['a', 'b']": { signature: "as", value: ["a", "b"] },
    "[1,2]": { signature: "ai", value: [1n, 2n] },
    "[uint32 1, 2]": { signature: "au", value: [1n, 2n] },
    "@as []": { signature: "as", value: [] },
    "@t 5": { signature: "t", value: 5n },
    "@au [1]": { signature: "au", value: [1n] },
    "[['a'], ['b']]": { signature: "aas", value: [["a"], ["b"]] },
  };
  for (const [text, variant] of Object.entries(cases)) {
    expect(parseVariant(text) as unknown, text).toEqual(variant);
  }
});

test("what is no value", () => {
  for (const text of [
    "",
    "nonsense",
    "'open",
    "1 2",
    "[1",
    "[1 2]",
    "[1, 'a']",
    "[]",
    "uint32 -1",
    "uint32 'a'",
    "byte 256",
    "2147483648",
    "@ 5",
    "@zz 5",
    "@(ss) ['a']",
    "uint32 1.5",
    "string 5",
    "'\\u12'",
    "'\\ud800",
    "true1",
    "[".repeat(20),
  ]) {
    expect(() => parseVariant(text), text).toThrow();
  }
});
