// SPDX-License-Identifier: Apache-2.0
/** docs/explanation/fuzzing.md: the files of its tables exist, and the fuzzers take a seed. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pageText } from "../support/markdown.ts";
import { repository } from "../support/runtime.ts";

const rows = [...pageText("docs/explanation/fuzzing.md").matchAll(/^\| .*$/gm)]
  .map(([row]) => row.split("|").map((cell) => cell.trim()))
  .filter(([, input = ""]) => input !== "input");

/** Paths of a cell; a second one may be given by its name only. */
function pathsOf(cell: string): string[] {
  let folder = "";
  return [...cell.matchAll(/`([\w./*-]+)`/g)].map(([, path = ""]) => {
    const whole = path.includes("/") && /^(?:src|native|tests)\//.test(path);
    if (whole) folder = path.endsWith("/") ? path : `${dirname(path)}/`;
    return whole ? path : `${folder}${path}`;
  });
}

test("every parser and fuzzer of the tables is there", () => {
  expect(rows.length).toBeGreaterThan(20);
  const paths = rows.flatMap(([, , , parser = "", fuzzer = ""]) => pathsOf(parser + fuzzer));
  const missing = paths.filter((path) => {
    const pattern = path.endsWith("/") ? `${path}*` : path;
    return [...new Bun.Glob(pattern).scanSync(repository)].length === 0;
  });
  expect(missing).toEqual([]);
});

test("every fuzzer has many rounds", () => {
  const fuzzers = rows.flatMap(([, , , , fuzzer = ""]) => pathsOf(fuzzer));
  const without = fuzzers.filter((path) => {
    const text = readFileSync(join(repository, path), "utf8");
    return !/rounds|ROUNDS|seed|fuzz/.test(text);
  });
  expect(without).toEqual([]);
});
