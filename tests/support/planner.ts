// SPDX-License-Identifier: Apache-2.0
/**
 * Planners of tests' own. With WARM=1 in the environment one is started for the whole run, and every
 * call of rune that does not say otherwise goes through it: the suite both ways.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, Running } from "./command.ts";
import { binaryOf, runtimeName } from "./runtime.ts";

export class Planner {
  readonly socket: string;
  readonly pid: number;
  readonly #folder: string;
  readonly #running: Running;

  /** Returns when a worker waits. */
  static async start(...flags: string[]): Promise<Planner> {
    const planner = new Planner(flags);
    await planner.waits();
    return planner;
  }

  private constructor(flags: readonly string[]) {
    this.#folder = mkdtempSync(join(tmpdir(), "rune-planner-"));
    this.socket = join(this.#folder, "planner.sock");
    const argv = [binaryOf("rune"), "--debug", "planner", "--socket", this.socket, ...flags];
    this.#running = new Running(argv, { env: { PATH: "/usr/bin:/bin", RUNE_PLANNER: "off" } });
    this.pid = this.#running.pid;
  }

  /** For a call of rune: ask this planner. */
  get env(): Record<string, string> {
    // A loaded machine is no reason to start cold, here.
    return {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      RUNE_PLANNER: this.socket,
      RUNE_PLANNER_PATIENCE: "20000",
    };
  }

  /** What planner and workers have logged. */
  log(): string {
    return this.#running.stderr();
  }

  /** How many requests have been taken on. */
  served(): number {
    return this.log().split("serving process").length - 1;
  }

  /** The reasons for which fronts were sent away. */
  refusals(): string[] {
    return [...this.log().matchAll(/refused: ([^"]*)"/g)].map(([, reason]) => reason ?? "");
  }

  /** Process ids. */
  workers(): number[] {
    return childrenOf(this.pid);
  }

  /** Waits until one of the workers of now has started. */
  async waits(): Promise<void> {
    await eventually("a worker waits", () => {
      return this.workers().some((pid) => this.log().includes(`worker ${pid} waits`));
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#running.kill(signal);
  }

  exited(): Promise<number> {
    return this.#running.exited();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGTERM");
    await this.exited();
    this.#running[Symbol.dispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const variables = ["RUNE_PLANNER", "RUNE_PLANNER_PATIENCE"] as const;

/** What a whole run's calls are told about its planner, for those with an environment of their own. */
export function plannerVariables(): Record<string, string> {
  const set = variables.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(set);
}

if (process.env["WARM"] === "1" && runtimeName === "rune") await warm();

/** For this process's run, once: each test file has its own copy of this module. */
async function warm(): Promise<void> {
  if (process.env["RUNE_PLANNER"] !== undefined) return;
  const planner = await Planner.start("--idle-timeout", "1m");
  Object.assign(process.env, planner.env);
  process.on("exit", () => planner.kill("SIGTERM"));
}

export function childrenOf(parent: number): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);
}

/** proc_pid_stat(5): the command may hold spaces and parentheses, so count from the last one. */
function parentOf(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined; // it has ended, or is no process
  }
}
