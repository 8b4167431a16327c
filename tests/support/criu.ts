// SPDX-License-Identifier: Apache-2.0
/** Sandboxes whose containers can be checkpointed, where this machine has a criu that works on it. */
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "./bundle.ts";
import { guestName } from "./guest.ts";
import { removeTree } from "./remove.ts";
import { needs, only, type RuntimeName, repository, runtimeName, type Test } from "./runtime.ts";
import { Sandbox, type Surroundings } from "./sandbox.ts";

/** CRIU in the environment, what scripts/criu.sh has fetched, or the machine's own. */
export const criu: string | undefined = [
  process.env["CRIU"],
  join(repository, "dist/criu/bin/criu"),
  Bun.which("criu"),
].find((path) => typeof path === "string" && existsSync(path)) as string | undefined;

/**
 * criu stops its parasite with a hardware breakpoint, and waits for ever where a virtual machine's processor
 * has none that work, as the one that this was written on: 130 has it step instead (criu/include/fault-injection.h).
 */
export const environment: Readonly<Record<string, string>> = {
  ...(process.env as Record<string, string>), // no value of it is undefined
  ...(guestName === undefined ? { CRIU_FAULT: "130" } : {}),
};

const probePatienceMs = 30_000;

export const criuObstacle: string | undefined = await probe();

/** A test of checkpoint or restore. */
export const test: Test = needs(criuObstacle);

/** Whether criu and this kernel can do one of the things that `criu check --feature` knows. */
export function lacks(feature: string): string | undefined {
  if (criuObstacle !== undefined || criu === undefined) return criuObstacle;
  const { exitCode } = Bun.spawnSync([criu, "check", "--feature", feature], { env: environment });
  return exitCode === 0 ? undefined : `this kernel or criu has no ${feature}`;
}

/** Why there can be no checkpoint here: tried, with a process and without any runtime. */
async function probe(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "needs root";
  if (runtimeName === "crun") return "crun: is linked with a criu of its own";
  if (criu === undefined) return "needs criu: `sh scripts/criu.sh`, or CRIU=path";
  const images = mkdtempSync(join(tmpdir(), "rune-criu-"));
  const sleeper = Bun.spawn(["setsid", "sleep", "1000"], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  try {
    await Bun.sleep(100); // setsid has become sleep
    const words = ["dump", "--tree", String(sleeper.pid), "--images-dir", images, "--shell-job"];
    const { exitCode } = Bun.spawnSync([criu, ...words, "--log-file", "log"], {
      env: environment,
      timeout: probePatienceMs,
      stdout: "ignore",
      stderr: "ignore",
    });
    if (exitCode === 0) return undefined;
    const log = join(images, "log");
    const errors = existsSync(log) ? readFileSync(log, "utf8").match(/Error .*/g) : null;
    return `criu cannot checkpoint here: ${errors?.at(-2) ?? `status ${exitCode}`}`;
  } finally {
    sleeper.kill("SIGKILL");
    await sleeper.exited;
    removeTree(images);
  }
}

/** A sandbox with criu in each call; its containers get /dev/null, as anything else of the host is in criu's way. */
export class CriuSandbox extends Sandbox {
  readonly #env: Readonly<Record<string, string>>;
  readonly images: string;
  readonly work: string;

  constructor(runtime: RuntimeName = runtimeName, { flags = [], env = {} }: Surroundings = {}) {
    const all = { ...environment, ...env };
    super(runtime, { flags: ["--criu", criu ?? "criu", ...flags], env: all });
    this.#env = all;
    this.images = join(this.path, "images");
    this.work = join(this.path, "work");
  }

  /** Where images and logs go. */
  get paths(): string[] {
    return ["--image-path", this.images, "--work-path", this.work];
  }

  /** A call whose descriptors 0, 1 and 2 are /dev/null. */
  async silently(...words: readonly string[]): Promise<number> {
    const stdio = { stdin: "ignore", stdout: "ignore", stderr: "ignore" } as const;
    return await Bun.spawn(this.argv(...words), {
      ...stdio,
      cwd: this.bundle.path,
      env: this.#env,
    }).exited;
  }

  /** As `started`, with /dev/null. */
  async runs(...changes: JsonObject[]): Promise<string> {
    const id = this.id();
    this.configure({ process: { args: ["/bin/sleep", "1000"] } }, ...changes);
    const status = await this.silently("run", "--detach", id);
    if (status !== 0) throw new Error(`run: status ${status}`);
    return id;
  }

  async checkpoint(id: string, ...words: readonly string[]): Promise<void> {
    const { status, stderr } = await this.call(["checkpoint", ...this.paths, ...words, id]);
    if (status !== 0) throw new Error(`checkpoint: ${stderr}\n${this.log("dump.log")}`);
  }

  /** Restores in the background. */
  async restore(id: string, ...words: readonly string[]): Promise<void> {
    const all = [...this.paths, "--detach", ...words];
    const status = await this.silently("restore", ...all, id);
    if (status !== 0) throw new Error(`restore: status ${status}\n${this.log("restore.log")}`);
  }

  /** The end of one of criu's logs. */
  log(name: string): string {
    const path = join(this.work, name);
    if (!existsSync(path)) return `no ${name}`;
    return readFileSync(path, "utf8").split("\n").slice(-30).join("\n");
  }
}

/** Waits as long as the test may last: criu takes its time on an emulated processor. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(20);
}

/** For what runc of this machine does otherwise. */
export const onlyRune = criuObstacle === undefined ? only : () => needs(criuObstacle);
