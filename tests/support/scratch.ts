// SPDX-License-Identifier: Apache-2.0
/**
 * The runtime under test and bundles for it. `RUNTIME=runc` puts runc in rune's place: a test that
 * runc does not pass says why it is rune's alone.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { defaultSpec } from "../../src/oci/default-spec.ts";

export const projectRoot = resolve(import.meta.dir, "../..");
export const runtimeName = process.env["RUNTIME"] === "runc" ? "runc" : "rune";
export const isRune = runtimeName === "rune";
const binary = isRune ? join(projectRoot, "dist/bin/rune") : "runc";

/** Why containers cannot be tested here; undefined where they can. */
export function missing(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  if (isRune && !existsSync(binary)) return "needs a build";
  if (!existsSync("/bin/busybox")) return "needs busybox-static";
  return Bun.which(isRune ? "sh" : "runc") === null ? "needs runc" : undefined;
}

export type Result = { readonly status: number; readonly stdout: string; readonly stderr: string };

export type SpawnOptions = {
  readonly stdin?: Uint8Array;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
};

/** Runs a command to its end. Its output goes to files: a detached container keeps a pipe open. */
export function sh(command: readonly string[], options: SpawnOptions = {}): Result {
  const scratch = mkdtempSync(join(tmpdir(), "rune-out-"));
  const [out, err] = [join(scratch, "out"), join(scratch, "err")];
  try {
    const child = Bun.spawnSync([...command], {
      stdin: options.stdin ?? "ignore",
      stdout: Bun.file(out),
      stderr: Bun.file(err),
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const { exitCode, signalCode } = child;
    if (signalCode !== undefined) throw new Error(`${command.join(" ")}: ended by ${signalCode}`);
    return { status: exitCode, stdout: readOr(out), stderr: readOr(err) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

// biome-ignore lint/suspicious/noExplicitAny: tests edit documents of any shape
export type Json = any;

const applets =
  "sh true false cat sleep ls id env ps mount stat kill echo head grep seq wc stty tty";

/** A scratch directory with a state root, bundles, and a look at what is left behind. */
export class Sandbox {
  readonly path = mkdtempSync(join(tmpdir(), "rune-test-"));
  readonly root = join(this.path, "root");
  readonly #before = leftovers();

  /** Runs the runtime. */
  run(...words: string[]): Result {
    return sh([binary, "--root", this.root, ...words]);
  }

  runWith(options: SpawnOptions, ...words: string[]): Result {
    return sh([binary, "--root", this.root, ...words], options);
  }

  command(...words: string[]): string[] {
    return [binary, "--root", this.root, ...words];
  }

  /** A bundle whose program is `args`; `edit` changes its configuration. */
  bundle(args: readonly string[], edit: (config: Json) => void = () => {}): string {
    const path = mkdtempSync(join(this.path, "bundle-"));
    const bin = join(path, "rootfs/bin");
    mkdirSync(bin, { recursive: true });
    for (const name of ["proc", "sys", "dev", "tmp", "etc"]) mkdirSync(join(path, "rootfs", name));
    copyFileSync("/bin/busybox", join(bin, "busybox"));
    for (const name of applets.split(" ")) symlinkSync("busybox", join(bin, name));
    // A plain JSON value, which a test may edit in any way.
    const config: Json = structuredClone(
      defaultSpec({ kind: "default" }, { unifiedCgroups: false }),
    );
    config.ociVersion = "1.0.2";
    config.process.terminal = false;
    config.process.args = args;
    edit(config);
    writeFileSync(join(path, "config.json"), JSON.stringify(config));
    return path;
  }

  /** Makes a bundle and runs it in the foreground under a fresh id. */
  runBundle(
    args: readonly string[],
    edit?: (config: Json) => void,
    options?: SpawnOptions,
  ): Result {
    const bundle = this.bundle(args, edit);
    return this.runWith(options ?? {}, "run", "--bundle", bundle, freshId());
  }

  /** Shell script in a container: what it printed. Fails the test when the script fails. */
  output(script: string, edit?: (config: Json) => void): string {
    const { status, stdout, stderr } = this.runBundle(["/bin/sh", "-c", script], edit);
    if (status !== 0) throw new Error(`status ${status}: ${stderr}`);
    return stdout;
  }

  /** What is here now and was not at the beginning: must be empty at the end of a test. */
  left(): string[] {
    const known = new Set(this.#before);
    const states = existsSync(this.root) ? readdirSync(this.root) : [];
    return [
      ...leftovers().filter((item) => !known.has(item)),
      ...states.map((id) => `state ${id}`),
    ];
  }

  [Symbol.dispose](): void {
    for (const id of existsSync(this.root) ? readdirSync(this.root) : []) {
      this.run("delete", "--force", id);
    }
    rmSync(this.path, { recursive: true, force: true });
  }
}

let counter = 0;

export function freshId(): string {
  counter++;
  return `t${process.pid}-${counter}`;
}

/** Waits until `condition` holds; containers take their time to end. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within 20 s: ${what}`);
    await Bun.sleep(20);
  }
}

/** Processes, mounts and cgroups that a container of a test could have left. */
function leftovers(): string[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n").filter(Boolean);
  const processes = readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .flatMap((pid) => {
      // Others test on this machine too: only what lives in a cgroup of this process's containers.
      const ours = readOr(`/proc/${pid}/cgroup`).includes(`/t${process.pid}-`);
      // A zombie has no command line: it is dead, and its reaper's business.
      const command = readOr(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
      return ours && command !== "" ? [`process ${pid} ${command}`] : [];
    });
  return [...mounts.map((line) => `mount ${line.split(" ")[4]}`), ...processes, ...cgroups()];
}

/** With find, which does not mind that others' cgroups come and go meanwhile. */
function cgroups(): string[] {
  const { stdout } = Bun.spawnSync(
    ["find", "/sys/fs/cgroup", "-type", "d", "-name", `t${process.pid}-*`],
    { stderr: "ignore" },
  );
  return stdout.toString().split("\n").filter(Boolean);
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
