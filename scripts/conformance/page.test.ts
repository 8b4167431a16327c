// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { conformanceFaults } from "./page.ts";
import { fields, fieldsOf, verbs } from "./subjects.ts";
import { means, tagsIn } from "./tags.ts";

test("fields come from the types: nested, in arrays and records, inline", () => {
  const text = `
    export type Config = {
      /** A comment; with a semicolon. */
      readonly version: string;
      readonly inline?: { readonly a?: number; readonly b?: Inner };
      readonly many?: readonly Inner[];
      readonly named?: Readonly<Record<string, Inner>>;
      readonly map?: readonly IdMapping[];
    };
    export type Inner = { readonly x: "a" | "b"; readonly y?: bigint };
    export type IdMapping = { readonly size: number };`;
  expect(fieldsOf("Config", text)).toEqual([
    "version",
    "inline.a",
    "inline.b.x",
    "inline.b.y",
    "many.x",
    "many.y",
    "named.x",
    "named.y",
    "map",
  ]);
});

test("the project's own types and table are read to the leaves", () => {
  expect(fields()).toContain("linux.resources.memory.limit");
  expect(fields()).toContain("hooks.poststop");
  expect(fields()).not.toContain("linux.resources");
  expect(verbs()).toContain("create --bundle");
  expect(verbs()).toContain("--root");
});

test("a tag belongs to the test that follows it, whatever makes that test", () => {
  const text = [
    "// covers: a.b, run --x,",
    "//   c",
    'only("rune", "the other does not")("its title", async () => {',
    "  // covers: d",
    "test(`a kind`, () => {",
  ].join("\n");
  expect(tagsIn("f", text)).toEqual([
    { file: "f", title: "its title", covers: ["a.b", "run --x", "c"] },
    { file: "f", title: "a kind", covers: ["d"] },
  ]);
  expect(() => tagsIn("f", "// covers: a\n")).toThrow("no test follows");
});

test("a star stands for what is below", () => {
  expect(means("a.*", "a.b")).toBe(true);
  expect(means("a.*", "ab")).toBe(false);
  expect(means("run *", "run --x")).toBe(true);
  expect(means("run *", "run")).toBe(false);
});

test("a subject without a test is a fault, as is a tag of nothing", () => {
  const tag = (...covers: string[]) => ({ file: "f", title: "t", covers });
  const faults = (covers: string[], reasons = {}) =>
    conformanceFaults([tag(...covers)], ["a", "b"], reasons);
  expect(faults(["a", "b"])).toEqual([]);
  expect(faults(["a"])).toEqual([expect.stringContaining("`b` has no test")]);
  expect(faults(["a"], { b: "reason" })).toEqual([]);
  expect(faults(["a", "b", "c"])).toEqual([expect.stringContaining("`covers: c`")]);
});

test("a reason for the lack of a test goes when the test comes", () => {
  const tags = tagsIn("f", '// covers: a.b\ntest("x", () => {});');
  expect(conformanceFaults(tags, ["a.b", "a.c"], { "a.*": "why" })).toEqual([]);
  expect(conformanceFaults(tags, ["a.b"], { "a.*": "why" })).toEqual([
    "scripts/conformance/exceptions.ts: `a.*` has a test, or is nothing",
  ]);
});
