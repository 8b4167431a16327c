// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run bench:planner`: what verbs cost through a planner, beside a cold start, runc and crun, on the
 * same bundle, interleaved. Absolute times of shared machines mean little; ratios of medians do.
 * Writes bench/results/<name>.md; the name is the first argument, "planner" without one.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { defaultSpec } from "../src/oci/default-spec.ts";
import { Planner } from "../tests/support/planner.ts";

const root = resolve(import.meta.dir, "..");
const rune = join(root, "dist/bin/rune");
const rounds = Number(process.env["ROUNDS"] ?? 40);
const verbs = ["run", "create", "state", "start", "exec", "kill", "delete"] as const;
type Verb = (typeof verbs)[number];

type Runtime = {
  readonly name: string;
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
};

if (!movedToPlainLayout()) {
  const scratch = mkdtempSync(join(tmpdir(), "bench-"));
  await using planner = await Planner.start();
  try {
    report(measure(scratch, runtimes(planner)), planner);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * crun 1.8 refuses the hybrid cgroup layout: there everything, the planner too, runs again in a mount
 * namespace without the unified hierarchy. True where this process is not the one that measures.
 */
function movedToPlainLayout(): boolean {
  const hybrid = Bun.spawnSync(["mountpoint", "-q", "/sys/fs/cgroup/unified"]).exitCode === 0;
  if (!hybrid || process.env["BENCH_MOVED"] === "1") return false;
  const script = 'umount /sys/fs/cgroup/unified && exec "$@"';
  const inside = [process.execPath, ...process.argv.slice(1)];
  const unshare = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"];
  const { exitCode } = Bun.spawnSync([...unshare, ...inside], {
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
    env: { ...process.env, BENCH_MOVED: "1" },
  });
  process.exitCode = exitCode;
  return true;
}

function runtimes(planner: Planner): Runtime[] {
  const { PATH = "" } = process.env;
  const others = ["runc", "crun"].flatMap((name) => {
    const command = Bun.which(name);
    return command === null ? [] : [{ name, command, env: { PATH } }];
  });
  // A cold start in place of a warm one, on a busy machine, would be measured as warm.
  return [
    { name: "warm", command: rune, env: planner.env },
    { name: "cold", command: rune, env: { PATH, RUNE_PLANNER: "off" } },
    ...others,
  ];
}

function bundle(scratch: string, name: string, args: readonly string[]): string {
  const path = join(scratch, name);
  mkdirSync(join(path, "rootfs/bin"), { recursive: true });
  for (const directory of ["proc", "dev", "sys"]) mkdirSync(join(path, "rootfs", directory));
  for (const program of ["true", "sleep"])
    cpSync("/bin/busybox", join(path, "rootfs/bin", program));
  const spec = defaultSpec({ kind: "default" }, { unifiedCgroups: false });
  // defaultSpec returns a plain JSON document; these fields are in it.
  const config = structuredClone(spec) as { ociVersion: string; process: Record<string, unknown> };
  config.ociVersion = "1.0.2";
  Object.assign(config.process, { terminal: false, args });
  writeFileSync(join(path, "config.json"), JSON.stringify(config));
  return path;
}

/** Wall times in ms, by "runtime verb". */
function measure(scratch: string, all: readonly Runtime[]): Map<string, number[]> {
  const times = new Map<string, number[]>();
  const short = bundle(scratch, "true", ["/bin/true"]);
  const long = bundle(scratch, "sleep", ["/bin/sleep", "1000"]);
  for (let round = -5; round < rounds; round++) {
    for (const { name, command, env } of all) {
      const id = `bench-${name}-${process.pid}`;
      const time = (verb: Verb, ...words: string[]) => {
        const argv = [command, "--root", join(scratch, `state-${name}`), verb, ...words];
        const ms = once(argv, env);
        const key = `${name} ${verb}`;
        // The first rounds only warm the caches, and let the planner's code be compiled.
        if (round >= 0) times.set(key, [...(times.get(key) ?? []), ms]);
      };
      time("run", "--bundle", short, id);
      time("create", "--bundle", long, id);
      time("state", id);
      time("start", id);
      time("exec", id, "/bin/true");
      time("kill", id, "KILL");
      Bun.sleepSync(60);
      time("delete", id);
    }
  }
  return times;
}

function once(argv: string[], env: Readonly<Record<string, string>>): number {
  const before = Bun.nanoseconds();
  const child = Bun.spawnSync(argv, { stdin: "ignore", stdout: "ignore", stderr: "ignore", env });
  if (child.exitCode !== 0) throw new Error(`${argv.join(" ")}: exit status ${child.exitCode}`);
  return (Bun.nanoseconds() - before) / 1e6;
}

function report(times: ReadonlyMap<string, readonly number[]>, planner: Planner): void {
  const median = (key: string) => {
    const sorted = [...(times.get(key) ?? [])].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  };
  const names = ["warm", "cold", "runc", "crun"].filter((name) => times.has(`${name} run`));
  const ratio = (verb: Verb, name: string) => {
    const [own, other] = [median(`warm ${verb}`), median(`${name} ${verb}`)];
    return own === undefined || other === undefined ? "-" : (own / other).toFixed(2);
  };
  const others = names.slice(1);
  const rows = verbs.map((verb) => {
    const cells = names.map((name) => median(`${name} ${verb}`)?.toFixed(1) ?? "-");
    return `| ${[verb, ...cells, ...others.map((name) => ratio(verb, name))].join(" | ")} |`;
  });
  const head = ["verb", ...names, ...others.map((name) => `warm / ${name}`)];
  const text = `# Verbs through a planner

${machine()}

Wall time in ms, median of ${rounds} interleaved rounds. \`run\` is of a static \`/bin/true\` with the default configuration. The planner served ${planner.served()} requests with
${planner.workers().length} workers.

| ${head.join(" | ")} |
|${head.map(() => "---|").join("")}
${rows.join("\n")}
`;
  writeFileSync(join(root, `bench/results/${Bun.argv[2] ?? "planner"}.md`), text);
  console.log(text);
}

function machine(): string {
  const model = /model name\s*:\s*(.*)/.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "?";
  return `${model}, ${cpus().length} CPUs, Linux ${release()}; ${new Date().toISOString().slice(0, 10)}.`;
}
