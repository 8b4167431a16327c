// SPDX-License-Identifier: Apache-2.0
/** Bundles whose program is probe.c, and the runtimes they are run with. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { defaultSpec } from "../../src/oci/default-spec.ts";
import { removeTree } from "../support/remove.ts";

const project = resolve(import.meta.dir, "../..");
const rune = join(project, "dist/bin/rune");
const runc = Bun.which("runc");

/** Why these tests cannot run here, or undefined. */
export const obstacle: string | undefined = findObstacle();

export const probe = "/probe";

export type Ended = {
  /** Exit code, or 128 plus the signal. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

export type Settings = {
  /** `linux.seccomp`. */
  readonly profile?: object;
  readonly args: readonly string[];
  readonly noNewPrivileges?: boolean;
  readonly uid?: number;
};

/** A bundle of its own and a state root of its own, removed at the end. */
export class Container implements Disposable {
  static #count = 0;
  readonly #folder = mkdtempSync(join(tmpdir(), "rune-seccomp-"));
  readonly #id = `seccomp-${process.pid}-${Container.#count++}`;
  readonly runtime: string;

  constructor(runtime: "rune" | "runc", settings: Settings) {
    this.runtime = runtime === "rune" ? rune : (runc ?? "");
    mkdirSync(join(this.#folder, "rootfs/proc"), { recursive: true });
    copyFileSync(builtProbe(), join(this.#folder, "rootfs", probe));
    this.configure(settings);
  }

  get root(): string {
    return join(this.#folder, "state");
  }

  configure(settings: Settings): void {
    const spec = JSON.parse(
      JSON.stringify(defaultSpec({ kind: "default" }, { unifiedCgroups: false })),
    );
    const { profile, args, noNewPrivileges = false, uid = 0 } = settings;
    spec.ociVersion = "1.0.2";
    spec.root.readonly = false;
    spec.mounts = spec.mounts.filter(({ type }: { type: string }) => type === "proc");
    spec.process = { ...spec.process, args, noNewPrivileges, terminal: false };
    spec.process.user = { uid, gid: uid };
    spec.linux.seccomp = profile;
    writeFileSync(join(this.#folder, "config.json"), JSON.stringify(spec));
  }

  run(): Ended {
    return runCommand(...this.runWords());
  }

  /** Leaves it running. */
  runDetached(): number | null {
    // The payload keeps what it got for standard output: a pipe would never end.
    const child = Bun.spawnSync([...this.runWords("--detach")], {
      stdio: ["ignore", "ignore", "ignore"],
    });
    return child.exitCode;
  }

  runWords(...flags: string[]): string[] {
    const bundle = ["--bundle", this.#folder];
    return [this.runtime, "--root", this.root, "run", ...bundle, ...flags, this.#id];
  }

  exec(...words: string[]): Ended {
    return this.#perform("exec", this.#id, ...words);
  }

  state(): Ended {
    return this.#perform("state", this.#id);
  }

  #perform(...words: string[]): Ended {
    return runCommand(this.runtime, "--root", this.root, ...words);
  }

  [Symbol.dispose](): void {
    this.#perform("delete", "--force", this.#id);
    removeTree(this.#folder);
  }
}

/** Runs the probe to its end. */
export function run(runtime: "rune" | "runc", settings: Settings): Ended {
  using container = new Container(runtime, { ...settings, args: [probe, ...settings.args] });
  return container.run();
}

/** What both runtimes made of it; the caller expects them to be alike. */
export function runBoth(settings: Settings): { readonly rune: Ended; readonly runc: Ended } {
  return { rune: run("rune", settings), runc: run("runc", settings) };
}

export function runCommand(...command: string[]): Ended {
  const child = Bun.spawnSync(command, { stdin: "ignore", timeout: 30_000 });
  const { exitCode, stdout, stderr } = child;
  return { status: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** Removes what the containers of a test file shared. */
export function removeProbe(): void {
  if (built !== undefined) rmSync(dirname(built), { recursive: true, force: true });
  built = undefined;
}

let built: string | undefined;

function builtProbe(): string {
  if (built !== undefined) return built;
  const folder = mkdtempSync(join(tmpdir(), "rune-probe-"));
  const program = join(folder, "probe");
  const source = join(import.meta.dir, "probe.c");
  const flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-static", "-pthread"];
  const compiler = runCommand("gcc", ...flags, "-o", program, source);
  if (compiler.status !== 0) throw new Error(compiler.stderr);
  built = program;
  return program;
}

function findObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  if (!existsSync(rune)) return "needs scripts/build.sh";
  if (runc === null) return "needs runc";
  return existsSync("/lib/x86_64-linux-gnu/libseccomp.so.2") ? undefined : "needs libseccomp2";
}
