// SPDX-License-Identifier: Apache-2.0
/** The simulated platform's root secret, with which all that enclaves have sealed is read again. */
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRootSecret } from "../../src/platform/root-secret.ts";

const hex = readFileSync(join(import.meta.dir, "fixtures/root-secret-1.hex"), "utf8");
const first = Uint8Array.from(Buffer.from(hex.replaceAll("\n", ""), "hex"));

function withSecret(bytes: Uint8Array, body: (folder: string, path: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "rune-test-upgrade-"));
  try {
    const path = join(folder, "root-secret");
    writeFileSync(path, bytes, { mode: 0o600 });
    body(folder, path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("a secret of version 1 is read as it was written", () => {
  withSecret(first, (folder) => {
    expect([...openRootSecret(folder)]).toEqual(Array.from({ length: 32 }, (_, index) => index));
  });
});

test("a secret of an unknown version is refused, and stays", () => {
  const newer = first.slice();
  newer[33] = "2".charCodeAt(0);
  withSecret(newer, (folder, path) => {
    expect(() => openRootSecret(folder)).toThrow("it does not begin as one of this version does");
    expect(new Uint8Array(readFileSync(path))).toEqual(newer);
  });
});
