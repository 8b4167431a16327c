// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { catalog } from "./catalog.ts";
import { allTexts, declaredCodes } from "./page.ts";

const declared = declaredCodes();
const explained = catalog.flatMap(({ codes }) => Object.keys(codes));

test("every code is explained, once", () => {
  expect(declared.length).toBeGreaterThan(50);
  expect(declared.filter((code) => !explained.includes(code))).toEqual([]);
  expect(new Set(explained).size).toBe(explained.length);
});

test("every code can happen: the sources have a text for it", () => {
  const thrown = new Set(allTexts().map(({ code }) => code));
  // Thrown under the code that the C part names: src/container/channel.ts.
  const elsewhere = ["EXEC_NOT_FOUND", "EXEC_FAILED", "HOOK_FAILED"];
  const missing = declared.filter((code) => !thrown.has(code) && !elsewhere.includes(code));
  expect(missing).toEqual([]);
});

test("texts are in the style of the house", () => {
  const faults = allTexts().filter(({ text, hint = "" }) => {
    const reason = text.slice(text.lastIndexOf(": ") + 2).replace(" and ..", "");
    return /[a-z]\.$/.test(reason) || /^[A-Z][a-z]+ [a-z]/.test(reason) || /[^.]\.$/.test(hint);
  });
  expect(faults).toEqual([]);
});
