// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { linux } from "../kernel/linux.ts";
import type { SeccompLibrary } from "../kernel/seccomp-library.ts";
import type { Seccomp } from "../oci/config-linux.ts";
import { keep, maximumEntries, recall } from "./cache.ts";
import { cacheKey, seccompFilter } from "./filter.ts";
import { toRules } from "./rules.ts";
import { FakeLibrary } from "./testing.ts";

let folder: string;
let directory: string;
const key = "k".repeat(64);
const filter = Uint8Array.from({ length: 24 }, (_, i) => i);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rune-cache-"));
  directory = join(folder, "cache");
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test("what was kept is recalled, under its key only", () => {
  expect(recall(linux, directory, key)).toBeUndefined();
  keep(linux, directory, key, filter);
  expect(recall(linux, directory, key)).toEqual(filter);
  expect(recall(linux, directory, "j".repeat(64))).toBeUndefined();
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(readdirSync(directory)).toEqual([key]);
});

test("an entry under another's name is none", () => {
  keep(linux, directory, key, filter);
  writeFileSync(entry("j".repeat(64)), readFileSync(entry(key)), { mode: 0o600 });
  expect(recall(linux, directory, "j".repeat(64))).toBeUndefined();
});

const damages: [string, (bytes: Uint8Array) => Uint8Array][] = [
  ["one bit of the filter differs", (bytes) => bytes.with(40, (bytes[40] ?? 0) ^ 1)],
  ["one bit of the hash differs", (bytes) => bytes.with(0, (bytes[0] ?? 0) ^ 1)],
  ["it is cut inside the filter", (bytes) => bytes.subarray(0, -1)],
  ["an instruction is missing", (bytes) => bytes.subarray(0, -8)],
  ["it is cut inside the hash", (bytes) => bytes.subarray(0, 20)],
  ["it is empty", () => new Uint8Array(0)],
  ["it is larger than any filter", () => new Uint8Array(32 + 8 * 4096 + 8)],
];

test.each(damages)("an entry is none when %s", (_, damage) => {
  keep(linux, directory, key, filter);
  writeFileSync(entry(key), damage(readFileSync(entry(key))));
  expect(recall(linux, directory, key)).toBeUndefined();
});

test("what others could have written is not read", () => {
  keep(linux, directory, key, filter);
  chmodSync(entry(key), 0o620);
  expect(recall(linux, directory, key)).toBeUndefined();
  chmodSync(entry(key), 0o600);
  chmodSync(directory, 0o770);
  expect(recall(linux, directory, key)).toBeUndefined();
});

test("symbolic links are not followed", () => {
  keep(linux, directory, key, filter);
  const link = join(folder, "link");
  symlinkSync(directory, link);
  expect(recall(linux, link, key)).toBeUndefined();
  symlinkSync(entry(key), entry("link"));
  expect(recall(linux, directory, "link")).toBeUndefined();
});

test("nothing is kept where others may write", () => {
  mkdirSync(directory, { mode: 0o700 });
  chmodSync(directory, 0o777);
  keep(linux, directory, key, filter);
  expect(readdirSync(directory)).toEqual([]);
});

test("a directory that cannot be made is no failure", () => {
  writeFileSync(directory, "");
  keep(linux, directory, key, filter);
  keep(linux, join(folder, "missing/parent/cache"), key, filter);
  expect(recall(linux, directory, key)).toBeUndefined();
});

test("the oldest entries go, leftovers of a crash among them", () => {
  mkdirSync(directory, { mode: 0o700 });
  for (let age = 1; age <= maximumEntries; age++) {
    writeFileSync(entry(`old-${age}`), "", { mode: 0o600 });
    utimesSync(entry(`old-${age}`), 1000 - age, 1000 - age);
  }
  keep(linux, directory, key, filter);
  const left = readdirSync(directory);
  expect(left).toHaveLength(maximumEntries);
  expect(left).toContain(key);
  expect(left).not.toContain(`old-${maximumEntries}`);
  expect(left).toContain("old-1");
});

const profile: Seccomp = {
  defaultAction: "SCMP_ACT_ERRNO",
  syscalls: [
    {
      names: ["read"],
      action: "SCMP_ACT_ALLOW",
      args: [{ index: 0, value: 9007199254740993n, op: "SCMP_CMP_EQ" }],
    },
  ],
};

test("a profile is compiled once; a damaged entry is compiled again and mended", () => {
  const library = new FakeLibrary();
  const make = () => seccompFilter(profile, { kernel: linux, library, cacheDirectory: directory });
  const compiled = () => library.recorded.filter(({ did }) => did === "export").length;
  const first = make();
  expect(make()).toEqual(first);
  expect(compiled()).toBe(1);
  const [name = ""] = filters();
  writeFileSync(entry(name), "nonsense");
  expect(make()).toEqual(first);
  expect(compiled()).toBe(2);
  expect(make()).toEqual(first);
  expect(compiled()).toBe(2);
});

test("flags are no part of the filter", () => {
  const library = new FakeLibrary();
  const source = { kernel: linux, library, cacheDirectory: directory };
  expect(seccompFilter(profile, source).flags).toBe(0);
  const flags = ["SECCOMP_FILTER_FLAG_LOG"] as const;
  expect(seccompFilter({ ...profile, flags }, source).flags).toBe(2);
  expect(filters()).toHaveLength(1);
});

test("the library is not asked for anything while the note of its file holds", () => {
  const library = new FakeLibrary();
  const file = join(folder, "libseccomp.so.2");
  writeFileSync(file, "one");
  library.file = file;
  const source = { kernel: linux, library, cacheDirectory: directory };
  const made = seccompFilter(profile, source);
  const untouchable: SeccompLibrary = {
    version: () => fail(),
    path: () => fail(),
    systemCall: () => fail(),
    systemCallOf: () => fail(),
    filter: () => fail(),
  };
  const cached = { ...source, library: untouchable };
  expect(seccompFilter(profile, cached)).toEqual(made);
  // Another library, perhaps another version: what it would make has to be found out.
  writeFileSync(file, "another");
  expect(() => seccompFilter(profile, cached)).toThrow("not to be loaded");
  expect(seccompFilter(profile, source)).toEqual(made);
  expect(seccompFilter(profile, cached)).toEqual(made);
});

test("without a file to recognise the library by nothing is kept", () => {
  const library = new FakeLibrary();
  library.file = undefined;
  seccompFilter(profile, { kernel: linux, library, cacheDirectory: directory });
  expect(existsSync(directory)).toBe(false);
});

test("keys differ in whatever a filter depends on, to the last bit", () => {
  const rules = toRules(profile);
  const other = JSON.parse(JSON.stringify(profile, (_, v) => (typeof v === "bigint" ? 0 : v)));
  other.syscalls[0].args[0].value = 9007199254740992n;
  const host = { library: "2.5.4", kernel: "6.1" };
  const keys = [
    cacheKey(rules, host),
    cacheKey(rules, { ...host, library: "2.5.5" }),
    cacheKey(rules, { ...host, kernel: "6.2" }),
    cacheKey(toRules(other), host),
    cacheKey({ ...rules, architectures: [0x40000003] }, host),
    cacheKey({ ...rules, defaultAction: 0 }, host),
  ];
  expect(new Set(keys).size).toBe(keys.length);
  expect(cacheKey(toRules(profile), host)).toBe(cacheKey(rules, host));
  expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
});

function fail(): never {
  throw new Error("not to be loaded");
}

function filters(): string[] {
  return readdirSync(directory).filter((name) => /^[0-9a-f]{64}$/.test(name));
}

function entry(name: string): string {
  return join(directory, name);
}
