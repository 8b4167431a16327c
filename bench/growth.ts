// SPDX-License-Identifier: Apache-2.0
/**
 * How the cost of a container grows: with mounts, with other containers, with seccomp rules; what a
 * created container holds; how many start side by side. Beside runc and crun, interleaved.
 * Writes bench/results/growth.md.
 */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { dockerProfile } from "../tests/support/seccomp-profile.ts";
import {
  Bench,
  type Change,
  type Config,
  machine,
  median,
  movedToPlainLayout,
  once,
  peakKb,
  type Runtime,
  writeResult,
} from "./support.ts";

const rounds = Number(process.env["ROUNDS"] ?? 15);
const cacheDirectory = "/run/inclavare/seccomp";

/** A row: what is run, and what is done before each time. */
type Case = { readonly name: string; readonly change?: Change; readonly before?: () => void };

const seccomp: readonly Case[] = [
  { name: "no seccomp profile" },
  { name: "docker's profile, cached", change: withProfile },
  { name: "docker's profile, cold", change: withProfile, before: forgetFilters },
  { name: "1,000 rules, cached", change: (config) => withRules(config, 1000) },
];

const mounts: readonly Case[] = [10, 50, 100].map((count) => ({
  name: `${count} further mounts`,
  change: (config) => {
    for (let i = 0; i < count; i++) {
      const destination = `/tmp/${i}`;
      config.mounts.push({ destination, type: "tmpfs", source: "tmpfs", options: ["nosuid"] });
    }
  },
}));

if (!movedToPlainLayout()) {
  using bench = new Bench();
  const names = bench.runtimes.map(({ name }) => name);
  const rows = [
    ...runs(bench, [...seccomp, ...mounts]),
    ...besideOthers(bench, 100),
    ...twoAtATime(bench, 100),
    ...resident(bench),
  ];
  const text = `# How containers' costs grow

${machine()}

Medians of ${rounds} interleaved rounds of \`run\` with a static \`/bin/true\`, wall time in ms, CPU time in brackets; all with tmpfs for further mounts.

| what | ${names.join(" | ")} |
|---|${names.map(() => "---|").join("")}
${rows.map(([name, ...cells]) => `| ${name} | ${cells.join(" | ")} |`).join("\n")}
`;
  writeResult("growth", text);
}

type Row = readonly [string, ...string[]];

function runs(bench: Bench, cases: readonly Case[]): Row[] {
  return cases.map(({ name, change, before }, index) => {
    const bundle = bench.bundle(`case-${index}`, ["/bin/true"], change);
    return row(name, bench, ({ command, name: runtime }) => {
      before?.();
      return once([...base(bench, command, runtime), "run", "--bundle", bundle, "bench-growth"]);
    });
  });
}

/** With many containers there already. */
function besideOthers(bench: Bench, count: number): Row[] {
  const long = bench.bundle("others", ["/bin/sleep", "1000"]);
  const bundle = bench.bundle("beside", ["/bin/true"]);
  const each = (runtime: Runtime, verb: readonly string[], after: readonly string[] = []) => {
    for (let i = 0; i < count; i++) {
      const words = [...base(bench, runtime.command, runtime.name), ...verb, `other-${i}`];
      once([...words, ...after]);
    }
  };
  const rows = new Map<string, { wallMs: number; cpuMs: number }[]>();
  for (const runtime of bench.runtimes) {
    each(runtime, ["create", "--bundle", long]);
    for (let round = 0; round < rounds; round++) {
      const words = base(bench, runtime.command, runtime.name);
      push(rows, `run ${runtime.name}`, once([...words, "run", "--bundle", bundle, "one-more"]));
      push(rows, `list ${runtime.name}`, once([...words, "list"]));
    }
    each(runtime, ["delete", "--force"]);
  }
  return ["run", "list"].map((verb) => [
    `${verb}, beside ${count} created containers`,
    ...bench.runtimes.map(({ name }) => cell(rows.get(`${verb} ${name}`) ?? [])),
  ]);
}

/** Containers per second, started by two callers at once. */
function twoAtATime(bench: Bench, count: number): Row[] {
  const bundle = bench.bundle("pairs", ["/bin/true"]);
  const cells = bench.runtimes.map(({ command, name }) => {
    const words = base(bench, command, name).join(" ");
    const caller = (side: string) =>
      `for i in $(seq ${count / 2}); do ${words} run --bundle ${bundle} pair-${side}-$i; done`;
    const { wallMs } = once(["sh", "-c", `(${caller("a")}) & ${caller("b")}; wait`]);
    return `${((1000 * count) / wallMs).toFixed(1)}/s`;
  });
  return [[`${count} containers, two at a time`, ...cells]];
}

/** What a created container holds: its processes' proportional set size. */
function resident(bench: Bench): Row[] {
  const bundle = bench.bundle("resident", ["/bin/sleep", "1000"]);
  const cells = bench.runtimes.map(({ command, name }) => {
    const words = base(bench, command, name);
    const before = new Set(readdirSync("/proc"));
    once([...words, "create", "--bundle", bundle, "held"]);
    const size = readdirSync("/proc")
      .filter((pid) => /^\d+$/.test(pid) && !before.has(pid))
      .reduce((sum, pid) => sum + proportionalKb(pid), 0);
    once([...words, "delete", "--force", "held"]);
    return `${(size / 1024).toFixed(2)} MB`;
  });
  const peaks = (name: string, ...words: string[]): Row => [
    `largest resident size of \`${name}\``,
    ...bench.runtimes.map((runtime) => {
      const kb = peakKb([...base(bench, runtime.command, runtime.name), name, ...words]);
      return `${(kb / 1024).toFixed(1)} MB`;
    }),
  ];
  return [
    ["resident (PSS) of a created container", ...cells],
    peaks("list"),
    peaks("run", "--bundle", bench.bundle("peak", ["/bin/true"]), "peak"),
  ];
}

/** 0 for what is gone, and for the kernel's own. */
function proportionalKb(pid: string): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function row(
  name: string,
  { runtimes }: Bench,
  act: (runtime: Runtime) => { wallMs: number; cpuMs: number },
): Row {
  const samples = new Map<string, { wallMs: number; cpuMs: number }[]>();
  for (let round = -1; round < rounds; round++) {
    for (const runtime of runtimes) {
      const sample = act(runtime);
      if (round >= 0) push(samples, runtime.name, sample);
    }
  }
  return [name, ...runtimes.map((runtime) => cell(samples.get(runtime.name) ?? []))];
}

function cell(samples: readonly { wallMs: number; cpuMs: number }[]): string {
  const wall = median(samples.map(({ wallMs }) => wallMs)).toFixed(1);
  return `${wall} (${median(samples.map(({ cpuMs }) => cpuMs)).toFixed(1)})`;
}

function base(bench: Bench, command: readonly string[], runtime: string): string[] {
  return [...command, "--root", bench.stateRoot(runtime)];
}

function push<T>(samples: Map<string, T[]>, key: string, sample: T): void {
  samples.set(key, [...(samples.get(key) ?? []), sample]);
}

function withProfile(config: Config): void {
  config.linux["seccomp"] = dockerProfile();
}

/** Each about another argument, so that none is merged with another. */
function withRules(config: Config, count: number): void {
  config.linux["seccomp"] = {
    defaultAction: "SCMP_ACT_ALLOW",
    architectures: ["SCMP_ARCH_X86_64"],
    syscalls: Array.from({ length: count }, (_, value) => ({
      names: ["personality"],
      action: "SCMP_ACT_ERRNO",
      args: [{ index: 0, value: 1_000_000 + value, op: "SCMP_CMP_EQ" }],
    })),
  };
}

function forgetFilters(): void {
  rmSync(cacheDirectory, { recursive: true, force: true });
}
