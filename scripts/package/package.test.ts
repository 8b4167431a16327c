// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { createPublicKey } from "node:crypto";
import { resolve } from "node:path";
import { requireEnclaveKey } from "../../src/sgx/sign.ts";
import { components } from "./components.ts";
import { copyrightText } from "./copyright.ts";
import { highest, parseReadelf } from "./dependencies.ts";
import { sampleKey } from "./sample-key.ts";
import { epochFrom, unreleased } from "./source.ts";

const root = resolve(import.meta.dir, "../..");

test("versions grow with the commits, and the release is newer than all of them", () => {
  const [first, second] = [
    unreleased("0.1.0", 1_000_000_000, "a".repeat(40), false),
    unreleased("0.1.0", 1_000_000_060, "b".repeat(40), false),
  ];
  expect(first).toBe("0.1.0~20010909014640.gaaaaaaaa");
  const newer = (one: string, other: string) =>
    Bun.spawnSync(["dpkg", "--compare-versions", one, "gt", other]).exitCode === 0;
  if (Bun.which("dpkg") === null) return;
  expect(newer(second, first)).toBe(true);
  expect(newer("0.1.0", second)).toBe(true);
  expect(newer(unreleased("0.1.0", 1_000_000_000, "a".repeat(40), true), first)).toBe(true);
});

test("SOURCE_DATE_EPOCH is seconds, or an error", () => {
  expect(epochFrom(undefined)).toBeUndefined();
  expect(epochFrom("1700000000")).toBe(1_700_000_000);
  for (const value of ["yesterday", "-1", "1.5", "0x10"]) {
    expect(() => epochFrom(value)).toThrow("expected seconds since 1970");
  }
});

test("what a program is linked with, as readelf says it", () => {
  const text = [
    " 0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]",
    "  0x0010:   Name: GLIBC_2.2.5  Flags: none  Version: 3",
    "  0x0020:   Name: GLIBC_2.34  Flags: none  Version: 2",
  ].join("\n");
  const found = parseReadelf(text);
  expect(found).toEqual({ libraries: ["libc.so.6"], glibc: ["2.2.5", "2.34"] });
  expect(highest(found.glibc)).toBe("2.34");
  expect(highest(["2.9", "2.17", "2.3.4"])).toBe("2.17");
});

test("the sample's key is one that SGX takes, and the same every time", () => {
  const key = sampleKey();
  requireEnclaveKey(key);
  const { n } = createPublicKey(key).export({ format: "jwk" });
  expect(Buffer.from(n ?? "", "base64url").length).toBe(384);
  expect(sampleKey()).toBe(key);
});

test("the copyright file names all that is inside, with its licence", () => {
  const text = copyrightText(root);
  for (const { name, how } of components(root)) {
    if (how === "inside") expect(text).toContain(`\n ${name} `);
  }
  for (const name of ["Apache-2.0", "MIT", "BSD-3-Clause"])
    expect(text).toContain(`License: ${name}\n`);
  expect(text).not.toMatch(/@\w+@/);
});
