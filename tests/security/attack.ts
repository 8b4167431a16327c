// SPDX-License-Identifier: Apache-2.0
/** The attackers of these tests, tests/security/attack.c, compiled when they are first needed. */
import { existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "../support/command.ts";
import { repository } from "../support/runtime.ts";

const source = join(import.meta.dir, "attack.c");
const program = join(repository, "native/build/tests-support/attack");

/** Path of the program; static, so that it runs in containers too. */
export async function attack(): Promise<string> {
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program;
  mkdirSync(join(program, ".."), { recursive: true });
  const fresh = `${program}.${process.pid}`;
  const options = ["-std=c11", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror", "-static"];
  await mustRun(["musl-gcc", ...options, "-o", fresh, source]);
  renameSync(fresh, program);
  return program;
}

/** Two names that change places all the time, until it is disposed of. */
export class Exchange {
  readonly #process: Bun.Subprocess<"ignore", "ignore", "pipe">;

  private constructor(process: Bun.Subprocess<"ignore", "ignore", "pipe">) {
    this.#process = process;
  }

  static async begin(one: string, other: string): Promise<Exchange> {
    const stdio = { stdin: "ignore", stdout: "ignore", stderr: "pipe" } as const;
    return new Exchange(Bun.spawn([await attack(), "exchange", one, other], stdio));
  }

  /** @throws Error when the attack had ended: the test would have proved nothing */
  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#process.exitCode;
    this.#process.kill("SIGKILL");
    await this.#process.exited;
    if (ended === null) return;
    throw new Error(`the attacker ended: ${await new Response(this.#process.stderr).text()}`);
  }
}

/** How often a race is run: the exchange goes on during all of a start, so a few rounds decide. */
export const rounds = 12;

/**
 * Starts containers in a race; `start` says whether one came up. Goes on beyond the usual rounds
 * until one has: where all are refused, nothing is known of those that are not.
 */
export async function race(start: () => Promise<boolean>): Promise<void> {
  let started = 0;
  for (let round = 0; round < rounds || started === 0; round++) {
    if (round === 20 * rounds) throw new Error("no container started: the race proves nothing");
    if (await start()) started++;
  }
}
