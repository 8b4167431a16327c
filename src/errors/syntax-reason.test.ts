// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { parse } from "smol-toml";
import { syntaxReason } from "./syntax-reason.ts";

function reasonOf(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    return syntaxReason(error);
  }
  return "";
}

test("TOML's faults have a place, and not the text around it", () => {
  expect(reasonOf(() => parse('a = 1\n[arguments\nkey = "secret"\n'))).toMatch(
    /^no TOML: line 2, column \d+: [^\n]+$/,
  );
});

test("others say what they have", () => {
  expect(reasonOf(() => JSON.parse("{"))).not.toBe("");
  expect(syntaxReason("text")).toBe("text");
});
