// SPDX-License-Identifier: Apache-2.0
import { writeSync } from "node:fs";
import { describeError, RuneError } from "./errors/error.ts";

/** Runs a tool that is no runtime: its error goes to standard error, and its status to the caller. */
export async function runTool(name: string, main: () => Promise<number>): Promise<never> {
  try {
    process.exit(await main());
  } catch (error) {
    writeSync(2, `${name}: ${describeError(RuneError.from(error, name))}\n`);
    process.exit(1);
  }
}
