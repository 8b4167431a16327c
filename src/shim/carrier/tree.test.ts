// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mergeOver } from "./merge.ts";
import { inRoot, treeDigest } from "./tree.ts";

let folder = "";
const path = (name: string) => join(folder, name);
const signal = new AbortController().signal;
const digest = (root: string) => treeDigest(path(root), signal);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "carrier-tree-"));
  mkdirSync(path("root/a/b"), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a path is looked up as the image's own programs would", async () => {
  symlinkSync("/a", path("root/absolute"));
  symlinkSync("../../../a/b", path("root/a/up"));
  symlinkSync("absolute/b", path("root/chain"));
  symlinkSync("loop", path("root/loop"));
  const at = async (name: string) => (await inRoot(path("root"), name)).slice(folder.length);
  expect(await at("/absolute/b/new/file")).toBe("/root/a/b/new/file");
  expect(await at("a/up")).toBe("/root/a/b");
  expect(await at("/chain/../..//./x")).toBe("/root/x");
  expect(await at("/../../..")).toBe("/root");
  await expect(inRoot(path("root"), "/loop/x")).rejects.toThrow("too many symbolic links");
});

test("a digest changes with whatever the image's programs could see", async () => {
  writeFileSync(path("root/a/file"), "one");
  symlinkSync("x", path("root/link"));
  const seen = new Set([await digest("root")]);
  const changes = [
    () => writeFileSync(path("root/a/file"), "two"),
    () => chmodSync(path("root/a/file"), 0o700),
    () => mkdirSync(path("root/empty")),
    () => {
      rmSync(path("root/link"));
      symlinkSync("y", path("root/link"));
    },
    () => writeFileSync(path("root/a/b/file"), "two"),
    () => rmSync(path("root/a/file")),
  ];
  for (const change of changes) {
    change();
    seen.add(await digest("root"));
  }
  expect(seen.size).toBe(changes.length + 1);
  expect(await digest("root")).toBe(await digest("root"));
});

test("a digest of a file without an end is given up when it is told to", async () => {
  writeFileSync(path("root/endless"), "");
  truncateSync(path("root/endless"), 2 ** 43);
  const started = Date.now();
  await expect(treeDigest(path("root"), AbortSignal.timeout(100))).rejects.toThrow("timed out");
  expect(Date.now() - started).toBeLessThan(10_000);
});

test("merging replaces names, follows links of folders inside, and keeps the rest", async () => {
  mkdirSync(path("upper/lib/deep"), { recursive: true });
  writeFileSync(path("upper/lib/own"), "upper", { mode: 0o755 });
  symlinkSync("own", path("upper/lib/link"));
  writeFileSync(path("upper/lib/deep/file"), "upper");
  mkdirSync(path("root/usr/lib"), { recursive: true });
  symlinkSync("usr/lib", path("root/lib"));
  writeFileSync(path("root/usr/lib/kept"), "lower");
  mkdirSync(path("root/usr/lib/own"));
  writeFileSync(path("outside"), "outside");
  symlinkSync(path("outside"), path("root/usr/lib/deep"));
  symlinkSync(path("outside"), path("root/usr/lib/link"));
  await mergeOver(path("upper"), path("root"), signal);
  expect(readFileSync(path("root/usr/lib/own"), "utf8")).toBe("upper");
  expect(readFileSync(path("root/usr/lib/kept"), "utf8")).toBe("lower");
  expect(readlinkSync(path("root/usr/lib/link"))).toBe("own");
  expect(readFileSync(path("outside"), "utf8")).toBe("outside");
  expect(existsSync(join(path("root"), folder, "outside/file"))).toBe(true);
});
