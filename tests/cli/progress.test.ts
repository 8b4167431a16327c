// SPDX-License-Identifier: Apache-2.0
/** Long work: what a person at a terminal sees of it, and that nobody else does. */
import { expect } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../support/command.ts";
import { needs, only, repository } from "../support/runtime.ts";

const tools = join(repository, "dist/bin/sgx-tools");
const test =
  Bun.which("script") === null
    ? needs("needs script(1)")
    : only("rune", "sgx-tools comes with rune");
const clear = "\r\x1b[K";

/** The same command on a pseudo-terminal, and with everything in files. */
async function both(...words: string[]): Promise<{ terminal: string; stderr: string }> {
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const env = { PATH: process.env["PATH"] ?? "", TERM: "xterm" };
  const argv = ["script", "--quiet", "--return", "--command", `${tools} ${quoted}`, "/dev/null"];
  const { stdout } = await command(argv, { env });
  const { stderr } = await command([tools, ...words], { env });
  return { terminal: stdout, stderr };
}

/** ECREATE, then EADDs of pages that nobody measures: hashing alone takes long enough. */
function longStream(): Uint8Array {
  const pages = 400_000;
  const bytes = new Uint8Array(64 * (pages + 1));
  const view = new DataView(bytes.buffer);
  new TextEncoder().encodeInto("ECREATE", bytes);
  view.setUint32(8, 1, true);
  view.setBigUint64(12, 1n << 31n, true);
  for (let page = 0; page < pages; page++) {
    const at = 64 * (page + 1);
    new TextEncoder().encodeInto("EADD", bytes.subarray(at));
    view.setBigUint64(at + 8, BigInt(page) * 4096n, true);
    view.setBigUint64(at + 16, 0x203n, true);
  }
  return bytes;
}

test("measuring a large image shows its share on a terminal, and takes it away", async () => {
  const folder = mkdtempSync(join(tmpdir(), "rune-test-progress-"));
  try {
    const path = join(folder, "large.sgxs");
    writeFileSync(path, longStream());
    const { terminal, stderr } = await both("measure", path);
    const shown = terminal.split(clear);
    expect(shown[0]).toBe("");
    expect(shown.length).toBeGreaterThan(2);
    for (const share of shown.slice(1, -1)) expect(share).toMatch(/^\d+ %$/);
    expect(shown.at(-1)).toMatch(/^[0-9a-f]{64}\r\n$/);
    expect(stderr).toBe("");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("fetching collateral names its service on a terminal, and an error is a line of its own", async () => {
  const url = "http://127.0.0.1:1";
  const fetching = ["collateral", "fetch", "--url", url, "--fmspc", "00906ED50000", "/nowhere"];
  const { terminal, stderr } = await both(...fetching);
  expect(terminal).toStartWith(`${clear}fetch collateral from ${url}${clear}sgx-tools: `);
  expect(stderr).toStartWith("sgx-tools: ");
  expect(stderr).not.toContain("\x1b");
});
