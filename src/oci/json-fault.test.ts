// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { findJsonFault } from "./json-fault.ts";

const good = [
  "0",
  "-1.5e+3",
  '"a\\u00e9\\n"',
  "true",
  "null",
  "[]",
  "{}",
  "[1,2]",
  '{"a":{"b":[{}]},"c":"}"}',
  " \t\r\n[ ] ",
];
const bad: [string, string][] = [
  ["", "line 1, column 1: expected a value, found the end"],
  ["[1,", "column 4: expected a value, found the end"],
  ["[1,]", 'column 4: expected a value, found "]"'],
  ["[1 2]", 'column 4: expected `,` or `]`, found "2"'],
  ['{"a" 1}', 'column 6: expected `:`, found "1"'],
  ["{a:1}", 'column 2: expected a property name in double quotes, found "a"'],
  ['{"a":1,}', 'column 8: expected a property name in double quotes, found "}"'],
  ['{"a":1', "column 7: expected `,` or `}`, found the end"],
  ["{'a':1}", 'column 2: expected a property name in double quotes, found "\'"'],
  ["tru", 'column 1: expected a value, found "t"'],
  ["01", 'column 1: expected a value, found "0"'],
  ["1.", 'expected a value, found "1"'],
  ["[1]]", 'column 4: expected the end, found "]"'],
  ["[1}", 'column 3: expected `,` or `]`, found "}"'],
  ['"a\nb"', "column 1: expected a string that ends on its line"],
  ['["\\x"]', "column 2: expected a string"],
  ["[\n\n  // c\n]", 'line 3, column 3: expected a value, found "/"'],
];

test.each(good)("%p is JSON", (text) => {
  expect(findJsonFault(text)).toBeUndefined();
});

test.each(bad)("%p is not JSON", (text, fault) => {
  expect(() => JSON.parse(text)).toThrow();
  expect(findJsonFault(text)).toContain(fault);
});

test("nesting without end is given up, not followed", () => {
  expect(findJsonFault("[".repeat(1_000_000))).toBeUndefined();
});

test("agrees with JSON.parse on every one-byte change of a document", () => {
  const text = '{"a":[1,-2.5e3,"x\\u0041"],"b":{"c":true,"d":null}}';
  for (let index = 0; index < text.length; index++) {
    for (const change of ["", '"', "{", "}", "]", ",", ":", "0", "\\", " ", "e"]) {
      const changed = text.slice(0, index) + change + text.slice(index + 1);
      let parses = true;
      try {
        JSON.parse(changed);
      } catch {
        parses = false;
      }
      expect([changed, findJsonFault(changed) === undefined]).toEqual([changed, parses]);
    }
  }
});
