// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import {
  dictionary,
  Fault,
  InexactNumber,
  int64,
  integer,
  object,
  optional,
  optionalText,
  string,
  uint64,
} from "./check.ts";
import { parseExactJson, parseJson } from "./json.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("a path is written as one would write it in JavaScript", () => {
  expect(new Fault("x").pathText).toBe("");
  expect(new Fault("x", "linux", "namespaces", 2, "type").pathText).toBe(
    "linux.namespaces[2].type",
  );
  expect(new Fault("x", "annotations", "a.b", 0).pathText).toBe('annotations["a.b"][0]');
  expect(new Fault("x", 1, "a").pathText).toBe("[1].a");
});

test("64-bit integers have exact bounds", () => {
  expect(uint64(2n ** 64n - 1n)).toBe(2n ** 64n - 1n);
  expect(int64(-(2n ** 63n))).toBe(-(2n ** 63n));
  expect(uint64(Number.MAX_SAFE_INTEGER)).toBe(2n ** 53n - 1n);
  for (const bad of [2n ** 64n, -1n, -1, 1.5, "1", Number.NaN, Number.POSITIVE_INFINITY, null]) {
    expect(() => uint64(bad)).toThrow(Fault);
  }
  expect(() => int64(2n ** 63n)).toThrow(Fault);
  expect(() => uint64(2 ** 53)).toThrow(InexactNumber);
});

test("integers of 32 bits and fewer are never bigint", () => {
  const check = integer(-1, 10);
  expect([-1, 0, 10].map(check)).toEqual([-1, 0, 10]);
  for (const bad of [-2, 11, 0.5, "0", 0n, true]) expect(() => check(bad)).toThrow(Fault);
});

test("an object keeps its own fields and no others", () => {
  const check = object<{ a?: string; b?: string }>({
    a: optional(string),
    b: optionalText(string),
  });
  expect(check({ a: "", b: "", c: 1 })).toEqual({ a: "" });
  expect(check(JSON.parse('{"__proto__":{"a":"x"}}'))).toEqual({});
  for (const bad of [null, [], "x", 1]) expect(() => check(bad)).toThrow("expected an object");
});

test("keys of a dictionary are checked like strings", () => {
  expect(() => dictionary(string)({ "a\0b": "x" })).toThrow("must not contain NUL");
  expect({ ...dictionary(string)({ a: "x" }) }).toEqual({ a: "x" });
});

test("exact JSON keeps the digits that doubles lose, and nothing else changes", () => {
  const text =
    '{"a":9007199254740993,"b":-9223372036854775808,"c":1.5,"d":1e19,"e":[1],"f":"9007199254740993"}';
  expect(parseJson(bytes(text))).toMatchObject({ a: 9007199254740992, c: 1.5 });
  expect(parseExactJson(bytes(text))).toEqual({
    a: 9007199254740993n,
    b: -(2n ** 63n),
    c: 1.5,
    d: "1e19",
    e: [1],
    f: "9007199254740993",
  });
});
