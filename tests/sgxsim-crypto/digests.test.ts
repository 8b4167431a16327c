// SPDX-License-Identifier: Apache-2.0
/** The simulator's hash, MAC and measurement against OpenSSL's and src/sgx's. */
import { beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { measure } from "../../src/sgx/measurement.ts";
import { buildDriver, drive, hex } from "./driver.ts";

const PAGE = 4096;
const CHUNK = 256;

beforeAll(buildDriver);

test("SHA-256 is OpenSSL's, at and around block ends", () => {
  for (const size of [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 50_003]) {
    const message = crypto.getRandomValues(new Uint8Array(size));
    const digest = createHash("sha256").update(message).digest("hex");
    expect(drive(["sha256"], message)).toEqual([digest]);
  }
});

test("AES-CMAC is OpenSSL's, for every size to 49", () => {
  for (let size = 0; size < 50; size++) {
    const key = hex(crypto.getRandomValues(new Uint8Array(16)));
    const message = crypto.getRandomValues(new Uint8Array(size));
    expect(drive(["cmac", key], message)).toEqual([opensslCmac(key, message)]);
  }
});

test("MRENCLAVE is what src/sgx measures", () => {
  const size = 1n << 20n;
  const expected = measure(3, size);
  const operations: Uint8Array[] = [operation("C", 3, size)];
  for (const [offset, flags, measured] of [
    [0n, 0x100n, true],
    [0x1000n, 0x205n, true],
    [0xff000n, 0x203n, false],
    [0x5000n, 0x201n, true],
  ] as const) {
    const page = crypto.getRandomValues(new Uint8Array(PAGE));
    expected.add(offset, flags);
    operations.push(operation("A", offset, secinfo(flags)));
    for (let at = 0; measured && at < PAGE; at += CHUNK) {
      const chunk = page.subarray(at, at + CHUNK);
      expected.extend(offset + BigInt(at), chunk);
      operations.push(operation("E", offset + BigInt(at), chunk));
    }
  }
  expect(drive(["measure"], Buffer.concat(operations))).toEqual([hex(expected.finish())]);
});

/** One operation as driver.c reads it: numbers are u32, bigints u64. */
function operation(name: string, ...operands: readonly (number | bigint | Uint8Array)[]): Buffer {
  const parts: Buffer[] = [Buffer.from(name)];
  for (const operand of operands) {
    if (operand instanceof Uint8Array) {
      parts.push(Buffer.from(operand));
    } else if (typeof operand === "bigint") {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(operand);
      parts.push(bytes);
    } else {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(operand);
      parts.push(bytes);
    }
  }
  return Buffer.concat(parts);
}

/** SECINFO, 64 bytes; the last 16 are not measured, and so not zero here. */
function secinfo(flags: bigint): Uint8Array {
  const bytes = Buffer.alloc(64);
  bytes.writeBigUInt64LE(flags);
  bytes.fill(0xee, 48);
  return bytes;
}

function opensslCmac(key: string, message: Uint8Array): string {
  const args = ["mac", "-cipher", "AES-128-CBC", "-macopt", `hexkey:${key}`, "-in", "-", "CMAC"];
  const child = Bun.spawnSync(["openssl", ...args], { stdin: message });
  if (child.exitCode !== 0) throw new Error(`openssl mac: ${child.stderr}`);
  return child.stdout.toString().trim().toLowerCase();
}
