// SPDX-License-Identifier: Apache-2.0
/** The TCB state and its file; keys from seeds. */
import { afterAll, describe, expect, test } from "bun:test";
import { createPublicKey, verify } from "node:crypto";
import { chownSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ecdsaKey, seededKey } from "./seeded-ecdsa.ts";
import { seededRsaKey } from "./seeded-rsa.ts";
import { readTcbFile, removeTcbFile, writeTcbFile } from "./tcb-file.ts";
import { DEFAULT_TCB_STATE, readTcbState } from "./tcb-state.ts";

const isRoot = process.getuid?.() === 0;

const folder = mkdtempSync(join(tmpdir(), "evidence-state-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("the state", () => {
  test("takes members over what is there", () => {
    const base = { ...DEFAULT_TCB_STATE, ca: "processor" } as const;
    const members = { status: "Revoked", fmspc: "51A0000000FF", advisories: ["INTEL-SA-00615"] };
    expect(readTcbState(members, base, "read")).toEqual({
      ...base,
      status: "Revoked",
      fmspc: "51a0000000ff",
      advisories: ["INTEL-SA-00615"],
    });
  });

  for (const [value, reason] of [
    [{ colour: 1 }, "unknown member `colour`"],
    [{ toString: 1 }, "unknown member `toString`"],
    [[], "expected an object"],
    [null, "expected an object"],
    [{ status: "Fine" }, "`status`: expected one of UpToDate"],
    [{ status: "TDRelaunchAdvised" }, "`status`"],
    [{ fmspc: "51a0" }, "`fmspc`: expected 12 hexadecimal digits"],
    [{ pceSvn: 65_535 }, "`pceSvn`: expected an integer from 0 to 65534, got 65535"],
    [{ pceSvn: 1.5 }, "`pceSvn`"],
    [{ pceSvn: "1" }, "`pceSvn`"],
    [{ advisories: "INTEL-SA-00615" }, "`advisories`"],
    [{ advisories: ["a b"] }, "`advisories`"],
    [{ qeAdvisories: new Array(65).fill("x") }, "`qeAdvisories`"],
    [{ revoked: true }, "`revoked`: expected one of none, pck, ca"],
    [{ collateral: "yesterday" }, "`collateral`"],
  ] as const) {
    test(`refuses ${JSON.stringify(value).slice(0, 60)}`, () => {
      expect(() => readTcbState(value, DEFAULT_TCB_STATE, "read")).toThrow(reason);
    });
  }
});

describe("its file", () => {
  const path = join(folder, "tcb.json");

  test("is the default where there is none, and keeps what is written", () => {
    expect(readTcbFile(path)).toEqual(DEFAULT_TCB_STATE);
    const state = { ...DEFAULT_TCB_STATE, status: "OutOfDate" } as const;
    writeTcbFile(path, state);
    expect(readTcbFile(path)).toEqual(state);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["tcb.json"]);
    removeTcbFile(path);
    removeTcbFile(path);
    expect(readTcbFile(path)).toEqual(DEFAULT_TCB_STATE);
  });

  test("belongs to the owner of its folder", () => {
    const { uid } = statSync(folder);
    writeTcbFile(path, DEFAULT_TCB_STATE);
    expect(statSync(path).uid).toBe(uid);
    removeTcbFile(path);
  });

  test.skipIf(!isRoot)("belongs to the service's user where root writes it (needs root)", () => {
    const other = mkdtempSync(join(folder, "other-"));
    chownSync(other, 61_312, 61_313);
    const file = join(other, "tcb.json");
    writeTcbFile(file, DEFAULT_TCB_STATE);
    expect(statSync(file)).toMatchObject({ uid: 61_312, gid: 61_313 });
    rmSync(other, { recursive: true });
  });

  test.skipIf(!isRoot)("stays whole when the disk gets full within it (needs root)", () => {
    const disk = mkdtempSync(join(folder, "disk-"));
    Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=8k", "none", disk]);
    try {
      const file = join(disk, "tcb.json");
      writeTcbFile(file, DEFAULT_TCB_STATE);
      const advisories = Array.from({ length: 64 }, (_, i) => `${i}`.padEnd(64, "x"));
      const longer = { ...DEFAULT_TCB_STATE, advisories, qeAdvisories: advisories };
      expect(() => writeTcbFile(file, longer)).toThrow("write `");
      expect(readTcbFile(file)).toEqual(DEFAULT_TCB_STATE);
      expect(readdirSync(disk)).toEqual(["tcb.json"]);
    } finally {
      Bun.spawnSync(["umount", disk]);
    }
  });

  test("is named where it is damaged, and left as it is where it cannot be written", () => {
    writeFileSync(path, "{");
    expect(() => readTcbFile(path)).toThrow(`read \`${path}\``);
    writeFileSync(path, `{"status":"Fine"}`);
    expect(() => readTcbFile(path)).toThrow("`status`: expected one of");
    writeFileSync(path, " ".repeat(70_000));
    expect(() => readTcbFile(path)).toThrow("too long");
    expect(() => writeTcbFile(join(folder, "none/tcb.json"), DEFAULT_TCB_STATE)).toThrow("none");
    rmSync(path);
  });
});

describe("keys", () => {
  /** RFC 6979, A.2.5. */
  const scalar = 0xc9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721n;

  test("sign as RFC 6979 says", () => {
    const { sign, spki } = ecdsaKey(scalar);
    const hex = (text: string) => Buffer.from(sign(Buffer.from(text))).toString("hex");
    expect(Buffer.from(spki.subarray(27, 59)).toString("hex")).toBe(
      "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
    );
    expect(hex("sample")).toBe(
      "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716" +
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
    );
    expect(hex("test")).toBe(
      "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367" +
        "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
    );
  });

  test("are verified by OpenSSL, for any seed", () => {
    for (const fill of [0, 1, 0x7f, 0x80, 0xff]) {
      const bytes = new Uint8Array([fill, 2, 3]);
      const ec = seededKey(new Uint8Array(32).fill(fill));
      const key = createPublicKey({ key: Buffer.from(ec.spki), format: "der", type: "spki" });
      const signature = ec.sign(bytes);
      expect(verify("sha256", bytes, { key, dsaEncoding: "ieee-p1363" }, signature)).toBe(true);
      expect(ec.sign(bytes)).toEqual(signature);
    }
  });

  test("of RSA have 2048 bits, and are the same for the same seed", async () => {
    const rsa = await seededRsaKey(new Uint8Array(32).fill(1));
    const key = createPublicKey({ key: Buffer.from(rsa.spki), format: "der", type: "spki" });
    expect(key.asymmetricKeyDetails?.modulusLength).toBe(2048);
    expect(verify("sha256", Buffer.from("x"), key, rsa.sign(Buffer.from("x")))).toBe(true);
    expect((await seededRsaKey(new Uint8Array(32).fill(1))).spki).toEqual(rsa.spki);
    expect((await seededRsaKey(new Uint8Array(32).fill(2))).spki).not.toEqual(rsa.spki);
  });

  test("of RSA are made while others are served", async () => {
    let turns = 0;
    const others = setInterval(() => turns++, 0);
    try {
      await seededRsaKey(new Uint8Array(32).fill(9));
    } finally {
      clearInterval(others);
    }
    // About forty candidates are left to be tested for each of two primes.
    expect(turns).toBeGreaterThan(2);
  });
});
