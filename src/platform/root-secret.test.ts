// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
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
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failureOf, withByte } from "../sgx/testing.ts";
import { openRootSecret, replaceRootSecret } from "./root-secret.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "platform-secret-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const path = () => join(folder, "root-secret");

test("is made once, for its owner alone, and found again", () => {
  const secret = openRootSecret(folder);
  expect(secret).toHaveLength(32);
  expect(statSync(path()).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(["root-secret"]);
  expect(openRootSecret(folder)).toEqual(secret);
});

test("another folder has another", () => {
  const other = join(folder, "other");
  mkdirSync(other);
  expect(openRootSecret(other)).not.toEqual(openRootSecret(folder));
});

test("a draft that a killed writer has left is no secret, and goes", () => {
  writeFileSync(join(folder, "root-secret.new"), "half");
  openRootSecret(folder);
  expect(readdirSync(folder)).toEqual(["root-secret"]);
});

test("replacing leaves one file, with another secret", () => {
  const secret = openRootSecret(folder);
  replaceRootSecret(folder);
  expect(readdirSync(folder)).toEqual(["root-secret"]);
  expect(openRootSecret(folder)).not.toEqual(secret);
});

describe("a file that is damaged is never replaced", () => {
  const refusal = () => {
    const before = existsSync(path()) && statSync(path()).isFile() ? readFileSync(path()) : "";
    const failure = failureOf(() => openRootSecret(folder));
    const after = existsSync(path()) && statSync(path()).isFile() ? readFileSync(path()) : "";
    expect(after).toEqual(before);
    return [failure?.code, failure?.message.replaceAll(folder, "F")];
  };

  test("whatever byte has changed", () => {
    openRootSecret(folder);
    const good = readFileSync(path());
    for (let at = 0; at < good.length; at++) {
      writeFileSync(path(), withByte(good, at));
      expect(refusal()[0]).toBe("STATE_CORRUPT");
    }
  });

  test("shorter, longer, empty", () => {
    openRootSecret(folder);
    const good = readFileSync(path());
    for (const bad of [good.subarray(0, 103), Buffer.concat([good, good]), new Uint8Array()]) {
      writeFileSync(path(), bad);
      expect(refusal()).toEqual(["STATE_CORRUPT", expect.stringContaining("104 bytes")]);
    }
  });

  test("open to others, a link, a folder, a pipe", () => {
    openRootSecret(folder);
    chmodSync(path(), 0o640);
    expect(refusal()).toEqual(["STATE_CORRUPT", "read `F/root-secret`: others may read it"]);
    rmSync(path());
    symlinkSync("/etc/hostname", path());
    expect(refusal()[0]).toBe("STATE_CORRUPT");
    rmSync(path());
    mkdirSync(path());
    expect(refusal()[0]).toBe("STATE_CORRUPT");
    rmSync(path(), { recursive: true });
    Bun.spawnSync(["mkfifo", "-m", "600", path()]);
    expect(refusal()[0]).toBe("STATE_CORRUPT");
  });
});

const isRoot = process.getuid?.() === 0;

test.skipIf(!isRoot)("on a full disk nothing is made, and nothing is lost (needs root)", () => {
  Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=10", "none", folder]);
  try {
    // One page is all there is.
    writeFileSync(join(folder, "filler"), new Uint8Array(4096));
    expect(failureOf(() => openRootSecret(folder))?.message).toContain("root-secret.new");
    expect(readdirSync(folder)).toEqual(["filler"]);
    rmSync(join(folder, "filler"));
    const secret = openRootSecret(folder);
    writeFileSync(join(folder, "filler"), "");
    expect(failureOf(() => replaceRootSecret(folder))).toBeDefined();
    expect(openRootSecret(folder)).toEqual(secret);
  } finally {
    Bun.spawnSync(["umount", folder]);
  }
});
