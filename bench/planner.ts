// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run bench:planner`: what verbs cost through a planner, beside a cold start, runc and crun, on the
 * same bundle, interleaved. Absolute times of shared machines mean little; ratios of medians do.
 * Writes bench/results/<name>.md; the name is the first argument, "planner" without one.
 */
import { join, resolve } from "node:path";
import { Planner } from "../tests/support/planner.ts";
import {
  Bench,
  machine,
  median,
  movedToPlainLayout,
  once,
  type Runtime,
  writeResult,
} from "./support.ts";

const rune = join(resolve(import.meta.dir, ".."), "dist/bin/rune");
const rounds = Number(process.env["ROUNDS"] ?? 40);
const verbs = ["run", "create", "state", "start", "exec", "kill", "delete"] as const;
type Verb = (typeof verbs)[number];

if (!movedToPlainLayout()) {
  using bench = new Bench();
  // In the namespace that is measured in: it serves no other.
  await using planner = await Planner.start();
  report(measure(bench, runtimes(bench, planner)), planner);
}

function runtimes(bench: Bench, planner: Planner): Runtime[] {
  const { PATH = "" } = process.env;
  const others = bench.runtimes.filter(({ name }) => name !== "rune");
  return [
    // Patient: a cold start in place of a warm one, on a busy machine, would be measured as warm.
    { name: "warm", command: [rune], env: planner.env },
    { name: "cold", command: [rune], env: { PATH, RUNE_PLANNER: "off" } },
    ...others,
  ];
}

/** Wall times in ms, by "runtime verb". */
function measure(bench: Bench, all: readonly Runtime[]): Map<string, number[]> {
  const times = new Map<string, number[]>();
  const short = bench.bundle("true", ["/bin/true"]);
  const long = bench.bundle("sleep", ["/bin/sleep", "1000"]);
  for (let round = -5; round < rounds; round++) {
    for (const { name, command, env } of all) {
      const id = `bench-${name}-${process.pid}`;
      const time = (verb: Verb, ...words: string[]) => {
        const argv = [...command, "--root", bench.stateRoot(name), verb, ...words];
        const { wallMs } = once(argv, env);
        const key = `${name} ${verb}`;
        // The first rounds only warm the caches, and let the planner's code be compiled.
        if (round >= 0) times.set(key, [...(times.get(key) ?? []), wallMs]);
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

function report(times: ReadonlyMap<string, readonly number[]>, planner: Planner): void {
  const typical = (key: string) => median(times.get(key) ?? []);
  const names = ["warm", "cold", "runc", "crun"].filter((name) => times.has(`${name} run`));
  const ratio = (verb: Verb, name: string) =>
    (typical(`warm ${verb}`) / typical(`${name} ${verb}`)).toFixed(2);
  const others = names.slice(1);
  const rows = verbs.map((verb) => {
    const cells = names.map((name) => typical(`${name} ${verb}`).toFixed(1));
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
  writeResult(Bun.argv[2] ?? "planner", text);
}
