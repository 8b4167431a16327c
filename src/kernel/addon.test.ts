// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addon } from "./addon.ts";

const getpid = 39;
const close = 3;

test("a system call's result, or its error number", () => {
  expect(addon.systemCall(getpid)).toBe(process.pid);
  expect(addon.systemCall(close, -1)).toBe(-9);
});

test("where it has not been built, the error says what builds it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "rune-addon-"));
  try {
    copyFileSync(join(import.meta.dir, "addon.ts"), join(folder, "addon.ts"));
    await expect(import(join(folder, "addon.ts"))).rejects.toThrow(
      /kernel\.node`: .*No such file.*`npm run build` makes it/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("an array's elements are where its address says, until the collector runs and after", () => {
  const bytes = new Uint8Array(4096).fill(7);
  const address = addon.addressOf(bytes);
  Bun.gc(true);
  bytes[4095] = 9;
  const seen = new Uint8Array(4096);
  addon.copy(address, seen);
  expect(seen).toEqual(bytes);
  expect(addon.addressOf(bytes)).toBe(address);
});

test("a function of a library is called with six arguments", () => {
  const snprintf = addon.symbol(addon.library("libc.so.6"), "snprintf");
  const format = new TextEncoder().encode("%d %d %d\0".padEnd(4096, "\0"));
  const text = new Uint8Array(4096);
  const result = addon.invoke(
    snprintf,
    addon.addressOf(text),
    text.length,
    addon.addressOf(format),
    ...[-1, 2, 3],
  );
  expect(result | 0).toBe(6);
  expect(new TextDecoder().decode(text.subarray(0, 6))).toBe("-1 2 3");
});

test("what is not there is an error with the loader's words", () => {
  expect(() => addon.library("libnone-such.so.1")).toThrow("libnone-such.so.1: cannot open");
  expect(() => addon.symbol(0, "no_such_function")).toThrow("no_such_function");
});

test("arguments of the wrong kind, or too many, are refused", () => {
  type Anything = (...values: unknown[]) => unknown;
  const wrong = addon as unknown as Record<keyof typeof addon, Anything>;
  expect(() => wrong.systemCall("39")).toThrow("are numbers");
  expect(() => wrong.systemCall()).toThrow("are numbers");
  expect(() => wrong.systemCall(getpid, 1, 2, 3, 4, 5, 6, 7)).toThrow("are numbers");
  expect(() => wrong.addressOf([1])).toThrow("only a typed array");
  expect(() => wrong.copy(0, new Uint8Array(1))).toThrow("an address");
  expect(() => wrong.copy(4096, new Uint16Array(1))).toThrow("array of bytes");
  expect(() => wrong.invoke(0)).toThrow("numbers");
});
