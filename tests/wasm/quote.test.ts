// SPDX-License-Identifier: Apache-2.0
/** The import `quote`: from the enclave through the PAL to a service that speaks AESM. */
import { expect } from "bun:test";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { answer } from "../../src/aesm/answer.ts";
import { listen } from "../../src/aesm/listener.ts";
import { testPlatform } from "../../src/aesm/testing.ts";
import { needs } from "../support/runtime.ts";
import { clangObstacle, WasmSandbox, Workshop } from "./support.ts";

const test = needs(clangObstacle);
const workshop = new Workshop();

test("a quote of the program's choice of data comes from AESM, and its absence is an error", async () => {
  await using sandbox = new WasmSandbox();
  const image = await workshop.program("attest", "[arguments]\nhost = true\n");
  const record = JSON.parse(await Bun.file(`${image}.json`).text());
  // Without the platform's service there is no AESM but the stand-in below.
  const alone = { ...process.env, INCLAVARE_PLATFORM: "off" } as Record<string, string>;
  sandbox.configure(sandbox.configuration(image, ["quote"]));
  const run = () => sandbox.call(["run", "--platform", "simulation", sandbox.id()], { env: alone });
  const without = await run();
  expect(without).toMatchObject({ status: 1, stdout: "No such file or directory\n" });
  expect(without.stderr).toContain("connect to AESM at `/var/run/aesmd/aesm.socket`");

  const folder = sandbox.file("var/run/aesmd");
  mkdirSync(folder, { recursive: true });
  for (const name of ["var", "var/run", "var/run/aesmd"]) chmodSync(sandbox.file(name), 0o755);
  const platform = testPlatform();
  // The stand-in does not have the simulator's report key: which report it was is looked at below.
  const ecdsa = { ...platform.ecdsa, checkReport: () => true };
  const listener = await listen({
    socket: join(folder, "aesm.socket"),
    mode: 0o666,
    answer: (message) => answer({ ...platform, ecdsa }, message),
  });
  try {
    const { status, stdout } = await run();
    expect(status).toBe(0);
    const quote = Buffer.from(stdout.trim(), "hex");
    // A header of 48 bytes, then the report's body: MRENCLAVE at 64, REPORTDATA at 320.
    expect(quote.readUInt16LE(0)).toBe(3);
    expect(quote.subarray(48 + 64, 48 + 96).toString("hex")).toBe(record.mrenclave);
    expect(quote.subarray(48 + 320, 48 + 326).toString()).toBe("chosen");
  } finally {
    await listener.close();
  }
});
