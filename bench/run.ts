// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run bench`: what the verbs of a container cost beside runc and crun, on the same bundle in the
 * same minutes, interleaved. Absolute times of shared machines mean little; ratios of medians do.
 * Writes bench/results/<name>.md and .json; the name is the first argument, the date without one.
 */
import { progressOn } from "../src/progress/progress.ts";
import {
  Bench,
  machine,
  median,
  movedToPlainLayout,
  once,
  type Sample,
  writeResult,
} from "./support.ts";

const rounds = Number(process.env["ROUNDS"] ?? 40);
const verbs = ["run", "create", "state", "start", "exec", "kill", "delete"] as const;
type Verb = (typeof verbs)[number];

if (!movedToPlainLayout()) {
  using bench = new Bench();
  const samples = measure(bench);
  write(
    bench.runtimes.map(({ name }) => name),
    samples,
  );
}

function measure(bench: Bench): Map<string, Sample[]> {
  const samples = new Map<string, Sample[]>();
  const short = bench.bundle("true", ["/bin/true"]);
  const long = bench.bundle("sleep", ["/bin/sleep", "1000"]);
  using progress = progressOn(2);
  for (let round = -3; round < rounds; round++) {
    progress.at(round, rounds);
    for (const { name, command } of bench.runtimes) {
      const base = [...command, "--root", bench.stateRoot(name)];
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

function push(samples: Map<string, Sample[]>, key: string, sample: Sample): void {
  const list = samples.get(key) ?? [];
  list.push(sample);
  samples.set(key, list);
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
the default configuration.

| ${head.join(" | ")} |
|${head.map(() => "---|").join("")}
${rows.join("\n")}
`;
  writeResult(Bun.argv[2] ?? new Date().toISOString().slice(0, 10), text);
}
