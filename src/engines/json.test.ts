// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { parseJson } from "./json-document.ts";
import { removeMember, setMember } from "./json-edit.ts";

const path = "/d.json";

test("what JSON.parse reads is read the same, and each value knows its place", () => {
  const texts = [
    '{"a": [1, -2.5e3, "x\\u0041\\"", true, false, null, {}], "b": {"c": []}}',
    " [ ] ",
    '"text"',
    "0",
  ];
  for (const text of texts) {
    const { value, start, end } = parseJson(text, path);
    expect(value).toEqual(JSON.parse(text));
    expect(JSON.parse(text.slice(start, end))).toEqual(JSON.parse(text));
  }
});

test("damaged ones are refused with line and column", () => {
  for (const [text, place] of [
    ["", "line 1, column 1"],
    ["{", "line 1, column 2"],
    ['{\n  "a": 1,\n}', "line 3, column 1"],
    ['{"a" 1}', "line 1, column 6"],
    ['{"a": 01}', "line 1, column 7"],
    ["[1 2]", "line 1, column 4"],
    ["{} {}", "line 1, column 4"],
    ['{"a": "x\n"}', "line 1, column 7"],
    ['{"é": }', "line 1, column 7"],
    ['{"a": 1, "a": 2}', "line 1, column 10"],
    ["[".repeat(200), "line 1, column 102"],
    ["// no\n{}", "line 1, column 1"],
  ] as const) {
    expect(() => parseJson(text, path)).toThrow(`${path}\`: no JSON: ${place}`);
  }
});

test("a member is added in the document's own indent, behind the others", () => {
  const text = '{\n\t"debug": true,\n\t"hosts": ["unix://"]\n}\n';
  expect(setMember(text, path, ["runtimes", "rune"], { path: "/r" })).toBe(
    '{\n\t"debug": true,\n\t"hosts": ["unix://"],\n\t"runtimes": {\n\t\t"rune": {\n\t\t\t"path": "/r"\n\t\t}\n\t}\n}\n',
  );
  expect(setMember('{"a": {"b": 1 }}', path, ["a", "c"], [2])).toBe('{"a": {"b": 1, "c": [2] }}');
  expect(JSON.parse(setMember("{}", path, ["a", "b"], 1))).toEqual({ a: { b: 1 } });
});

test("a member is replaced where it is", () => {
  expect(setMember('{"a": {"b": 1 , "c": 2}}', path, ["a", "b"], "x")).toBe(
    '{"a": {"b": "x" , "c": 2}}',
  );
});

test("a member is removed with its comma, the first, a middle, the last, the only one", () => {
  const text = '{ "a": 1, "b": {"x": 1}, "c": 3 }';
  expect(removeMember(text, path, ["a"])).toBe('{ "b": {"x": 1}, "c": 3 }');
  expect(removeMember(text, path, ["b"])).toBe('{ "a": 1, "c": 3 }');
  expect(removeMember(text, path, ["c"])).toBe('{ "a": 1, "b": {"x": 1} }');
  expect(removeMember(text, path, ["b", "x"])).toBe('{ "a": 1, "b": {}, "c": 3 }');
  expect(removeMember(text, path, ["b", "y"])).toBe(text);
});
