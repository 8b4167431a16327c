// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cache } from "./cache.ts";

let folder = "";
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "carrier-cache-")), "cache");
});
afterEach(() => rmSync(join(folder, ".."), { recursive: true }));

function built(cache: Cache, files = 1): string {
  const path = cache.workspace();
  for (let at = 0; at < files; at++) writeFileSync(join(path, `file-${at}`), "x");
  return path;
}

/** Another shim's: everything the two know of one another is in the folder. */
const open = () => new Cache(folder, 1);

test("a cache that others may write is not used", () => {
  open();
  Bun.spawnSync(["chmod", "0777", folder]);
  expect(open).toThrow("nobody else may write");
});

test("what is used stays, however full the cache is, until it is let go", async () => {
  const [ours, theirs] = [open(), open()];
  const old = await ours.keep("old", built(ours));
  await (await theirs.keep("new", built(theirs)))[Symbol.asyncDispose]();
  expect(readdirSync(old.path)).toEqual(["file-0"]);
  expect(existsSync(join(folder, "built/old.size"))).toBe(true);

  const again = theirs.find("old");
  await old[Symbol.asyncDispose]();
  await (await theirs.keep("newer", built(theirs)))[Symbol.asyncDispose]();
  expect(readdirSync(again?.path ?? "")).toEqual(["file-0"]);

  await again?.[Symbol.asyncDispose]();
  await ours.keep("newest", built(ours));
  expect(existsSync(old.path)).toBe(false);
  expect(theirs.find("old")).toBeUndefined();
  expect(readdirSync(join(folder, "builds"))).toEqual([]);
});

test("what another shim is just about to remove is found or not, without an error", async () => {
  const cache = open();
  await (await cache.keep("key", built(cache)))[Symbol.asyncDispose]();
  const [size, away] = [join(folder, "built/key.size"), join(folder, "builds/away")];
  const script = `const { renameSync } = require("node:fs");
    for (;;) { renameSync(process.argv[1], process.argv[2]); renameSync(process.argv[2], process.argv[1]); }`;
  const other = Bun.spawn([process.execPath, "-e", script, size, away]);
  try {
    const seen = new Set<boolean>();
    const until = performance.now() + 500;
    while (seen.size < 2 || performance.now() < until) {
      const found = cache.find("key");
      seen.add(found !== undefined);
      await found?.[Symbol.asyncDispose]();
    }
  } finally {
    other.kill();
  }
  expect(readdirSync(join(folder, "held"))).toEqual([]);
});

test("the slower of two that built the same keeps what it built while it uses it", async () => {
  const [ours, theirs] = [open(), open()];
  const first = await ours.keep("same", built(ours));
  const second = await theirs.keep("same", built(theirs, 2));
  expect([readdirSync(first.path).length, readdirSync(second.path).length]).toEqual([1, 2]);
  await second[Symbol.asyncDispose]();
  expect(existsSync(second.path)).toBe(false);
  expect(readdirSync(join(folder, "builds"))).toEqual([]);
});

test("what cannot be kept leaves nothing behind", async () => {
  const cache = open();
  mkdirSync(join(folder, "built/key.size")); // in the way, as a full disk is
  await expect(cache.keep("key", built(cache))).rejects.toThrow("EISDIR");
  for (const name of ["built", "builds", "held"]) {
    expect(readdirSync(join(folder, name))).toEqual([]);
  }
});

test("what shims that were killed held, or had kept by half, goes", async () => {
  const cache = open();
  await (await cache.keep("kept", built(cache)))[Symbol.asyncDispose]();
  writeFileSync(join(folder, "held/999999999-0.kept"), "");
  mkdirSync(join(folder, "builds/999999999-0"));
  mkdirSync(join(folder, "built/half"));
  open();
  expect(readdirSync(join(folder, "held"))).toEqual([]);
  expect(readdirSync(join(folder, "builds"))).toEqual([]);
  expect(readdirSync(join(folder, "built")).sort()).toEqual(["kept", "kept.size"]);
});

test("what leaves the cache leaves it as a whole", async () => {
  const count = 3000;
  const cache = open();
  const old = await cache.keep("old", built(cache, count));
  await old[Symbol.asyncDispose]();
  const seen = new Set<number>();
  const look = setInterval(() => existsSync(old.path) && seen.add(readdirSync(old.path).length), 0);
  await cache.keep("new", built(cache, 2));
  clearInterval(look);
  expect([...seen].filter((files) => files !== count)).toEqual([]);
  expect(existsSync(old.path)).toBe(false);
  expect(readdirSync(join(folder, "builds"))).toEqual([]);
});
