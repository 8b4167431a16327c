// SPDX-License-Identifier: Apache-2.0
/** Runs native/sgxsim/crypto/tests/driver.c, which computes every answer on both paths. */
import { resolve } from "node:path";

const native = resolve(import.meta.dir, "../../native");
const target = "build/drivers/sgxsim-crypto";

/** Builds the driver where `npm test` has not done so already. */
export function buildDriver(): void {
  const make = Bun.spawnSync(["make", "-s", "-C", native, target]);
  if (make.exitCode !== 0) throw new Error(make.stderr.toString());
}

/** The words the driver prints. */
export function drive(args: readonly string[], input: Uint8Array): string[] {
  const child = Bun.spawnSync([resolve(native, target), ...args], { stdin: input });
  if (child.exitCode !== 0) {
    throw new Error(`driver ${args[0]}: exit status ${child.exitCode} ${child.stderr}`);
  }
  return child.stdout.toString().trim().split(" ");
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
