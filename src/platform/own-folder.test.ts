// SPDX-License-Identifier: Apache-2.0
/** With the real kernel: what links do is the kernel's. */
import { afterEach, beforeEach, test as bunTest, expect } from "bun:test";
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { linux } from "../kernel/linux.ts";
import { failureOf } from "../sgx/testing.ts";
import { makeOwnFolder } from "./own-folder.ts";

const rootTest = bunTest.skipIf(process.getuid?.() !== 0);
const test = bunTest;
const owner = { uid: 61_312, gid: 61_312 };
const stranger = 61_400;
const at = (...names: string[]) => join(folder, ...names);
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "own-folder-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const make = (path: string, who: typeof owner | undefined = undefined) =>
  makeOwnFolder(linux, { path, mode: 0o700, owner: who });
const statusOf = (path: string) => {
  const { uid, gid, mode } = statSync(path);
  return { uid, gid, mode: mode & 0o777 };
};

test("a folder is made with its parents, and made right where it is there", () => {
  make(at("a", "b", "c"));
  expect([statusOf(at("a")).mode, statusOf(at("a", "b", "c")).mode]).toEqual([0o755, 0o700]);
  chmodSync(at("a", "b", "c"), 0o777);
  make(at("a", "b", "c"));
  expect(statusOf(at("a", "b", "c")).mode).toBe(0o700);
});

rootTest("it is its user's, and its parents are not", () => {
  make(at("a", "b"), owner);
  expect(statusOf(at("a", "b"))).toEqual({ ...owner, mode: 0o700 });
  expect(statusOf(at("a"))).toEqual({ uid: 0, gid: 0, mode: 0o755 });
});

test("a link in its place is refused, and what it leads to is as it was", () => {
  mkdirSync(at("victim"), { mode: 0o755 });
  const before = statusOf(at("victim"));
  symlinkSync(at("victim"), at("planted"));
  expect(failureOf(() => make(at("planted")))?.message).toContain("`planted` is a symbolic link");
  expect(statusOf(at("victim"))).toEqual(before);
});

test("a file in its place, or on the way, is refused", () => {
  writeFileSync(at("file"), "");
  for (const path of [at("file"), at("file", "below")]) {
    expect(failureOf(() => make(path))?.message).toContain("`file` is no folder");
  }
});

test("the caller's own link on the way is followed, as /var/run is", () => {
  mkdirSync(at("real"));
  symlinkSync(at("real"), at("link"));
  make(at("link", "a"));
  expect(statusOf(at("real", "a")).mode).toBe(0o700);
});

rootTest("a link on the way that another has laid, or could replace, is refused", () => {
  mkdirSync(at("etc"));
  const links = { theirs: stranger, ours: 0 };
  for (const [name, uid] of Object.entries(links)) {
    mkdirSync(at(name));
    symlinkSync(at("etc"), at(name, "link"));
    lchownSync(at(name, "link"), uid, uid);
  }
  chownSync(at("ours"), stranger, stranger);
  for (const name of Object.keys(links)) {
    expect(failureOf(() => make(at(name, "link", "a"), owner))?.message).toContain(
      `\`link\` is a symbolic link that user ${stranger} decides on`,
    );
  }
  expect(readdirSync(at("etc"))).toEqual([]);
});

test("no descriptor stays open, whatever happens", () => {
  symlinkSync(at("nowhere"), at("planted"));
  const open = () => readdirSync("/proc/self/fd").length;
  const before = open();
  for (let round = 0; round < 20; round++) {
    make(at("a", "b"));
    failureOf(() => make(at("planted")));
  }
  expect(open()).toBeLessThanOrEqual(before + 1);
});
