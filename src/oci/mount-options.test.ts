// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import {
  mountAttributes as attr,
  mountOptionNames,
  parseMountOptions,
  resetAttributes,
} from "./mount-options.ts";

test("no options change nothing", () => {
  expect(parseMountOptions([])).toEqual({
    bind: "none",
    remount: false,
    set: 0,
    clear: 0,
    recursiveSet: 0,
    recursiveClear: 0,
    idmap: "none",
    tmpCopyUp: false,
    superblock: [],
    data: [],
  });
});

test("/dev of the default configuration", () => {
  const options = parseMountOptions(["nosuid", "strictatime", "mode=755", "size=65536k"]);
  expect(options.set).toBe(attr.noSuid | attr.strictAtime);
  expect(options.clear).toBe(attr.accessTime);
  expect(options.data).toEqual(["mode=755", "size=65536k"]);
});

test("the later of two opposites wins", () => {
  expect(parseMountOptions(["ro", "rw"])).toMatchObject({ set: 0, clear: attr.readOnly });
  expect(parseMountOptions(["rw", "ro"])).toMatchObject({ set: attr.readOnly, clear: 0 });
  expect(parseMountOptions(["rro", "rrw"])).toMatchObject({ recursiveSet: 0, recursiveClear: 1 });
});

test("an access time mode replaces the one before and clears all bits of the field", () => {
  const { set, clear } = parseMountOptions(["noatime", "nodiratime", "strictatime"]);
  expect(set).toBe(attr.strictAtime | attr.noDirAtime);
  expect(clear).toBe(attr.accessTime);
  expect(parseMountOptions(["noatime", "relatime"])).toMatchObject({
    set: 0,
    clear: attr.accessTime,
  });
  expect(parseMountOptions(["rnoatime"])).toMatchObject({
    recursiveSet: attr.noAtime,
    recursiveClear: attr.accessTime,
  });
});

test("each recursive option is its plain one, below the mount", () => {
  for (const name of [
    "ro",
    "rw",
    "nosuid",
    "dev",
    "noexec",
    "noatime",
    "relatime",
    "symfollow",
    "nodiratime",
  ]) {
    const plain = parseMountOptions([name]);
    const below = parseMountOptions([`r${name}`]);
    expect([below.recursiveSet, below.recursiveClear]).toEqual([plain.set, plain.clear]);
    expect([below.set, below.clear, below.data]).toEqual([0, 0, []]);
  }
});

test("binds, propagation, id maps and copy-up", () => {
  expect(parseMountOptions(["rbind", "rprivate", "idmap", "tmpcopyup", "remount"])).toMatchObject({
    bind: "rbind",
    propagation: { flag: 1 << 18, recursive: true },
    idmap: "idmap",
    tmpCopyUp: true,
    remount: true,
    data: [],
  });
  expect(parseMountOptions(["bind", "shared", "slave", "ridmap"])).toMatchObject({
    bind: "bind",
    propagation: { flag: 1 << 19, recursive: false },
    idmap: "ridmap",
  });
});

test("file system wide flags go to the superblock, unknown words to the file system", () => {
  const options = parseMountOptions([
    "ro",
    "sync",
    "lazytime",
    "defaults",
    "silent",
    "acl",
    "noiversion",
    "discard",
    "constructor",
  ]);
  expect(options.superblock).toEqual(["ro", "sync", "lazytime"]);
  expect(options.data).toEqual(["discard", "constructor"]);
});

test("a bind mount that is given attributes has none but those", () => {
  const reset = (...options: string[]) => resetAttributes(parseMountOptions(options));
  const flags = attr.readOnly | attr.noSuid | attr.noDev | attr.noExec | attr.noSymFollow;
  expect(reset()).toBe(0);
  expect(reset("rbind", "rprivate", "rro")).toBe(0);
  expect(reset("ro", "noexec")).toBe(flags & ~(attr.readOnly | attr.noExec));
  expect(reset("suid")).toBe(flags);
  expect(reset("remount", "bind")).toBe(flags);
  // The whole field of access times, as mount_setattr(2) wants it.
  expect(reset("noatime")).toBe(flags | attr.accessTime | attr.noDirAtime);
  expect(reset("nodiratime")).toBe(flags | attr.accessTime);
});

test("every option that is listed is understood", () => {
  const names = mountOptionNames();
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect([name, parseMountOptions([name]).data]).toEqual([name, []]);
});
