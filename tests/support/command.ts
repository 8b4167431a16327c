// SPDX-License-Identifier: Apache-2.0
/** Runs host programs for tests. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";

export type CommandOptions = {
  readonly cwd?: string;
  /** The whole environment; the test's own where absent. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
};

export type CommandResult = {
  /** Exit status, or 128 plus the signal. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
};

/** A program that runs; its output goes to files, so that nobody waits for a container to close it. */
export class Running {
  readonly pid: number;
  readonly #child: Bun.Subprocess;
  readonly #folder: string;

  constructor(argv: readonly string[], { cwd, env, stdin }: CommandOptions = {}) {
    this.#folder = mkdtempSync(join(tmpdir(), "rune-output-"));
    const [out, err] = [openSync(this.#file("out"), "a"), openSync(this.#file("err"), "a")];
    try {
      this.#child = Bun.spawn([...argv], {
        stdin: stdin === undefined ? "ignore" : new TextEncoder().encode(stdin),
        stdout: out,
        stderr: err,
        env: env ?? process.env,
        ...(cwd === undefined ? {} : { cwd }),
      });
    } finally {
      closeSync(out);
      closeSync(err);
    }
    this.pid = this.#child.pid;
  }

  /** What has been written so far. */
  stdout(): string {
    return readFileSync(this.#file("out"), "utf8");
  }

  stderr(): string {
    return readFileSync(this.#file("err"), "utf8");
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits for the program itself, not for others that hold its output. */
  async exited(): Promise<number> {
    await this.#child.exited;
    const { signalCode, exitCode } = this.#child;
    if (signalCode === null) return exitCode ?? -1;
    return 128 + (new Map(Object.entries(constants.signals)).get(String(signalCode)) ?? 0);
  }

  async result(): Promise<CommandResult> {
    const status = await this.exited();
    return { status, stdout: this.stdout(), stderr: this.stderr() };
  }

  /** Removes the output. */
  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #file(name: string): string {
    return join(this.#folder, name);
  }
}

/** Runs a program to its end. */
export async function command(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  using running = new Running(argv, options);
  return await running.result();
}

/** As {@link command}, for preparations: a failure is the test's. */
export async function mustRun(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { status, stdout, stderr } = await command(argv, options);
  if (status !== 0) throw new Error(`${argv.join(" ")}: status ${status}: ${stderr}${stdout}`);
  return stdout;
}

const patienceMs = 20_000; // far beyond what anything takes on a loaded machine
const pollMs = 10;

/** Polls until the condition gives something other than undefined or false. */
export async function eventually<T>(
  what: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  for (const deadline = performance.now() + patienceMs; ; ) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`did not happen: ${what}`);
    await Bun.sleep(pollMs);
  }
}
