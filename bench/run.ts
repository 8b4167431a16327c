// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run bench`: what the verbs of a container cost beside runc and crun, on the same bundle in the
 * same minutes, interleaved. Absolute times of shared machines mean little; ratios of medians do.
 * Writes bench/results/<name>.md and .json; the name is the first argument, the date without one.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { defaultSpec } from "../src/oci/default-spec.ts";

const root = resolve(import.meta.dir, "..");
const rounds = Number(process.env["ROUNDS"] ?? 40);
const verbs = ["run", "create", "state", "start", "exec", "kill", "delete"] as const;
type Verb = (typeof verbs)[number];
type Sample = { readonly wallMs: number; readonly cpuMs: number };

const scratch = mkdtempSync(join(tmpdir(), "bench-"));
try {
  const runtimes = findRuntimes();
  const samples = measure(runtimes);
  write(
    runtimes.map(({ name }) => name),
    samples,
  );
} finally {
  // What namespaceWithoutUnified has made, if it has.
  Bun.spawnSync(["umount", join(scratch, "mnt")], { stderr: "ignore" });
  Bun.spawnSync(["umount", scratch], { stderr: "ignore" });
  rmSync(scratch, { recursive: true, force: true });
}

type Runtime = { readonly name: string; readonly command: readonly string[] };

/** crun 1.8 refuses the hybrid cgroup layout: it runs where the unified hierarchy is unmounted. */
function findRuntimes(): Runtime[] {
  const rune = { name: "rune", command: [join(root, "dist/bin/rune")] };
  const [runc, crun] = [Bun.which("runc"), Bun.which("crun")];
  const hybrid = Bun.spawnSync(["mountpoint", "-q", "/sys/fs/cgroup/unified"]).exitCode === 0;
  const crunHost = hybrid ? namespaceWithoutUnified() : [];
  return [
    rune,
    ...(runc === null ? [] : [{ name: "runc", command: [runc] }]),
    ...(crun === null ? [] : [{ name: "crun", command: [...crunHost, crun] }]),
  ];
}

/** Made once, outside the measured part; entering it costs what `nsenter` costs, about 1 ms. */
function namespaceWithoutUnified(): string[] {
  const file = join(scratch, "mnt");
  writeFileSync(file, "");
  Bun.spawnSync(["mount", "--bind", scratch, scratch]);
  Bun.spawnSync(["mount", "--make-private", scratch]);
  const made = Bun.spawnSync([
    "unshare",
    `--mount=${file}`,
    "--propagation=slave",
    "umount",
    "/sys/fs/cgroup/unified",
  ]);
  return made.exitCode === 0 ? ["nsenter", `--mount=${file}`] : [];
}

function bundle(name: string, args: readonly string[]): string {
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

function measure(runtimes: readonly Runtime[]): Map<string, Sample[]> {
  const samples = new Map<string, Sample[]>();
  const short = bundle("true", ["/bin/true"]);
  const long = bundle("sleep", ["/bin/sleep", "1000"]);
  for (let round = -3; round < rounds; round++) {
    for (const { name, command } of runtimes) {
      const base = [...command, "--root", join(scratch, `state-${name}`)];
      const id = `bench-${name}-${process.pid}`;
      const time = (verb: Verb, ...words: string[]) => {
        const sample = once([...base, verb, ...words]);
        // The first rounds only warm the caches.
        if (round >= 0) push(samples, `${name} ${verb}`, sample);
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
  return samples;
}

function once(command: readonly string[]): Sample {
  const before = Bun.nanoseconds();
  const child = Bun.spawnSync([...command], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  const wallMs = (Bun.nanoseconds() - before) / 1e6;
  if (child.exitCode !== 0) throw new Error(`${command.join(" ")}: exit status ${child.exitCode}`);
  const { user, system } = child.resourceUsage?.cpuTime ?? { user: 0n, system: 0n };
  return { wallMs, cpuMs: Number(user + system) / 1000 };
}

function push(samples: Map<string, Sample[]>, key: string, sample: Sample): void {
  const list = samples.get(key) ?? [];
  list.push(sample);
  samples.set(key, list);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function write(names: readonly string[], samples: ReadonlyMap<string, readonly Sample[]>): void {
  const wall = (name: string, verb: Verb) =>
    median((samples.get(`${name} ${verb}`) ?? []).map(({ wallMs }) => wallMs));
  const cpu = (name: string, verb: Verb) =>
    median((samples.get(`${name} ${verb}`) ?? []).map(({ cpuMs }) => cpuMs));
  const others = names.filter((name) => name !== "rune");
  const rows = verbs.map((verb) => {
    const cells = names.map(
      (name) => `${wall(name, verb).toFixed(1)} (${cpu(name, verb).toFixed(1)})`,
    );
    const ratios = others.map((name) => (wall("rune", verb) / wall(name, verb)).toFixed(2));
    return `| ${[verb, ...cells, ...ratios].join(" | ")} |`;
  });
  const head = ["verb", ...names, ...others.map((name) => `rune / ${name}`)];
  const text = `# Verbs beside other runtimes

${machine()}

Wall time in ms, median of ${rounds} interleaved rounds; CPU time in brackets (of the command and what it waited for). \`run\` is of a static \`/bin/true\` with
the default configuration. crun is entered through nsenter where the cgroup layout is hybrid, which costs it about 1 ms.

| ${head.join(" | ")} |
|${head.map(() => "---|").join("")}
${rows.join("\n")}
`;
  const name = Bun.argv[2] ?? new Date().toISOString().slice(0, 10);
  const folder = join(root, "bench/results");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.md`), text);
  console.log(text);
}

function machine(): string {
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
