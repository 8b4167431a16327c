// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { catalog } from "./catalog.ts";
import { allTexts } from "./page.ts";

const source = readFileSync(join(resolve(import.meta.dir, "../.."), "src/errors/error.ts"), "utf8");
const declared = [...source.matchAll(/^ {2}\| "([A-Z_]+)"/gm)].map(([, code = ""]) => code);
const explained = catalog.flatMap(({ codes }) => Object.keys(codes));

test("every code is explained, once, and is one", () => {
  expect(declared.length).toBeGreaterThan(50);
  expect([...explained].sort()).toEqual([...declared].sort());
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
