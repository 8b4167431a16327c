// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AESM, aesmErrors, aesmNumberOf, aesmRefusal, describeAesmError } from "./errors.ts";

test("an error carries name, number and what to do", () => {
  const error = aesmRefusal(42, "ask").within("gen-quote");
  expect(error).toMatchObject({
    code: "AESM_REFUSED",
    message: "gen-quote: ask: the service answered AESM_ATT_KEY_NOT_INITIALIZED (42)",
  });
  expect(error.hint).toContain("TARGETINFO");
  expect(aesmNumberOf(error)).toBe(AESM.keyNotInitialized);
  expect(aesmNumberOf(new Error("other"))).toBeUndefined();
  expect(aesmNumberOf(undefined)).toBeUndefined();
  expect(describeAesmError(77)).toBe("AESM error 77");
  expect(aesmRefusal(77, "ask").hint).toContain("journalctl");
});

test("the numbers are 0 to 51, and the protocol page says the same of each", () => {
  expect(aesmErrors.map(({ number }) => number)).toEqual(Array.from({ length: 52 }, (_, at) => at));
  const page = readFileSync(join(import.meta.dir, "../../docs/protocol/aesm.md"), "utf8");
  for (const { number, name, hint } of aesmErrors) {
    expect(page).toContain(`| ${number} | ${name} | ${hint || "-"} |`);
    if (number > 0) expect(hint).not.toBe("");
  }
});
