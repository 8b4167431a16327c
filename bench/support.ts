// SPDX-License-Identifier: Apache-2.0
/** What the benchmarks of container verbs share: runtimes, bundles, one measured command. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { defaultSpec } from "../src/oci/default-spec.ts";
import { removeTree } from "../tests/support/remove.ts";

const root = resolve(import.meta.dir, "..");

export type Runtime = {
  readonly name: string;
  readonly command: readonly string[];
  /** The whole environment; that of the benchmark where absent. */
  readonly env?: Readonly<Record<string, string>>;
};
export type Sample = { readonly wallMs: number; readonly cpuMs: number };
export type Change = (config: Config) => void;

/** config.json as far as benchmarks change it. */
export type Config = {
  ociVersion: string;
  process: Record<string, unknown>;
  mounts: object[];
  linux: Record<string, unknown>;
};

/** A scratch folder with bundles and state roots, and the runtimes that are installed. */
export class Bench implements Disposable {
  readonly scratch = mkdtempSync(join(tmpdir(), "bench-"));
  readonly runtimes: readonly Runtime[] = findRuntimes();

  [Symbol.dispose](): void {
    removeTree(this.scratch);
  }

  stateRoot(runtime: string): string {
    return join(this.scratch, `state-${runtime}`);
  }

  bundle(name: string, args: readonly string[], change: Change = () => {}): string {
    const path = join(this.scratch, name);
    mkdirSync(join(path, "rootfs/bin"), { recursive: true });
    for (const directory of ["proc", "dev", "sys"]) mkdirSync(join(path, "rootfs", directory));
    for (const program of ["true", "sleep"])
      cpSync("/bin/busybox", join(path, "rootfs/bin", program));
    const spec = defaultSpec({ kind: "default" }, { unifiedCgroups: false });
    // defaultSpec returns a plain JSON document; these fields are in it.
    const config = structuredClone(spec) as Config;
    config.ociVersion = "1.0.2";
    Object.assign(config.process, { terminal: false, args });
    change(config);
    writeFileSync(join(path, "config.json"), JSON.stringify(config));
    return path;
  }
}

/**
 * crun 1.8 refuses the hybrid cgroup layout: there the whole benchmark, with all runtimes, runs again in a
 * mount namespace without the unified hierarchy. True where this process is not the one that measures.
 */
export function movedToPlainLayout(): boolean {
  const hybrid = Bun.spawnSync(["mountpoint", "-q", "/sys/fs/cgroup/unified"]).exitCode === 0;
  if (!hybrid || process.env["BENCH_MOVED"] === "1") return false;
  const script = 'umount /sys/fs/cgroup/unified && exec "$@"';
  const inside = [process.execPath, ...process.argv.slice(1)];
  const { exitCode } = Bun.spawnSync(
    ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", ...inside],
    {
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      env: { ...process.env, BENCH_MOVED: "1" },
    },
  );
  process.exitCode = exitCode;
  return true;
}

/** Those that are installed. */
function findRuntimes(): Runtime[] {
  return [join(root, "dist/bin/rune"), Bun.which("runc"), Bun.which("crun")].flatMap((path) =>
    path === null ? [] : [{ name: basename(path), command: [path] }],
  );
}

export function once(command: readonly string[], env?: Runtime["env"]): Sample {
  const before = Bun.nanoseconds();
  const child = Bun.spawnSync([...command], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
    env: env ?? process.env,
  });
  const wallMs = (Bun.nanoseconds() - before) / 1e6;
  if (child.exitCode !== 0) throw new Error(`${command.join(" ")}: exit status ${child.exitCode}`);
  const { user, system } = child.resourceUsage?.cpuTime ?? { user: 0n, system: 0n };
  return { wallMs, cpuMs: Number(user + system) / 1000 };
}

/**
 * The largest resident size in KiB of a command or of what it waits for. By another program than this
 * one: the size of who calls execve counts for what it becomes (setmax_mm_hiwater_rss in fs/exec.c).
 */
export function peakKb(command: readonly string[]): number {
  const child = Bun.spawnSync(["/bin/busybox", "time", "-v", ...command], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const shown = Number(/Maximum resident set size.*: (\d+)/.exec(child.stderr.toString())?.[1]);
  // busybox takes ru_maxrss for pages of 4 KiB (ptok in its time.c); Linux counts in KiB.
  return shown / 4;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The machine and the versions, in a line. */
export function machine(): string {
  const model = /model name\s*:\s*(.*)/.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "?";
  const version = (command: string[]) =>
    Bun.spawnSync(command).stdout.toString().split("\n")[0]?.replace(" version", "") ?? "";
  const versions = [
    version([join(root, "dist/bin/rune"), "--version"]),
    ...["runc", "crun"]
      .filter((name) => Bun.which(name))
      .map((name) => version([name, "--version"])),
  ];
  return `${model}, ${cpus().length} CPUs, Linux ${release()}; ${versions.join(", ")}; ${new Date().toISOString().slice(0, 10)}.`;
}

export function writeResult(name: string, text: string): void {
  const folder = join(root, "bench/results");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.md`), text);
  console.log(text);
}
