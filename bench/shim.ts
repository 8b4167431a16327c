// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run bench:shim`: what a task costs through containerd-shim-rune-v2, beside the stock shim with
 * runc, with the same containerd, interleaved. Absolute times of shared machines mean little; ratios of
 * medians do. Writes bench/results/shim.md.
 */
import { readFileSync } from "node:fs";
import { Containerd } from "../tests/support/engines/containerd.ts";
import { processes } from "../tests/support/leftovers.ts";
import { machine, median, once, writeResult } from "./support.ts";

const rounds = Number(process.env["ROUNDS"] ?? 25);
const sizes = [1, 10, 50];
const idleSeconds = 10;
const atOnce = 5;
const shims = ["rune", "runc"] as const;
type Shim = (typeof shims)[number];
const image = "docker.io/library/busybox:test";

const times = new Map<string, number[]>();
const memory = new Map<string, number>();
await using containerd = await Containerd.start();
await measureTimes();
for (const shim of shims) await measureMemory(shim);
report();

function runtime(shim: Shim): string[] {
  return ["--runtime", `io.containerd.${shim}.v2`];
}

async function measureTimes(): Promise<void> {
  const kept = new Map<Shim, string>();
  for (const shim of shims) kept.set(shim, await started(shim));
  for (let round = -3; round < rounds; round++) {
    for (const shim of shims) {
      const time = (what: string, ...words: string[]) => {
        const { wallMs } = once(containerd.argv(...words), containerd.env);
        const key = `${shim} ${what}`;
        if (round >= 0) times.set(key, [...(times.get(key) ?? []), wallMs]); // others warm caches
      };
      time("run", "run", "--rm", ...runtime(shim), image, containerd.id(), "true");
      const exec = ["task", "exec", "--exec-id", `e${round}`];
      time("exec", ...exec, kept.get(shim) ?? "", "true");
    }
  }
  for (const id of kept.values()) await containerd.remove(id);
}

async function started(shim: Shim): Promise<string> {
  const id = containerd.id();
  const words = ["--detach", "--null-io", ...runtime(shim), image, id, "sleep", "1000"];
  await containerd.must("run", ...words);
  return id;
}

async function measureMemory(shim: Shim): Promise<void> {
  const ids: string[] = [];
  for (const size of sizes) {
    while (ids.length < size) {
      const some = Array.from({ length: Math.min(atOnce, size - ids.length) }, () => started(shim));
      ids.push(...(await Promise.all(some)));
    }
    await Bun.sleep(3000); // until it is at rest
    memory.set(`${shim} ${size}`, pssKb(pidsOf(shim, ids)));
  }
  const pids = pidsOf(shim, ids);
  const before = cpuTicks(pids);
  await Bun.sleep(idleSeconds * 1000);
  memory.set(`${shim} idle`, cpuTicks(pids) - before);
  while (ids.length > 0) {
    await Promise.all(ids.splice(0, atOnce).map((id) => containerd.remove(id)));
  }
}

/** The shim's own: stock shims are named by a container's id, monitors are children of the server. */
function pidsOf(shim: Shim, ids: readonly string[]): number[] {
  const all = processes(containerd.host.mark);
  const pid = (line: string) => Number(/^process (\d+)/.exec(line)?.[1]);
  if (shim === "runc") {
    return all
      .filter(
        (line) => line.includes("containerd-shim-runc-v2") && ids.some((id) => line.includes(id)),
      )
      .map(pid);
  }
  const server = all.filter((line) => line.includes("containerd-shim-rune-v2")).map(pid);
  return [...server, ...server.flatMap(childrenOf)];
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .split(" ")
    .filter(Boolean)
    .map(Number);
}

function pssKb(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    return sum + Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0);
  }, 0);
}

/** User and system time, in hundredths of a second. */
function cpuTicks(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return sum + Number(fields[11]) + Number(fields[12]);
  }, 0);
}

function report(): void {
  const of = (key: string) => median(times.get(key) ?? []);
  const timeRow = (what: string, name: string) => {
    const [rune, runc] = [of(`rune ${what}`), of(`runc ${what}`)];
    return `| ${name} | ${rune.toFixed(1)} | ${runc.toFixed(1)} | ${(rune / runc).toFixed(2)} |`;
  };
  const memoryRow = (size: number) => {
    const [rune = 0, runc = 0] = shims.map((shim) => (memory.get(`${shim} ${size}`) ?? 0) / 1024);
    const each = `${(rune / size).toFixed(1)} | ${(runc / size).toFixed(1)}`;
    return `| ${size} | ${rune.toFixed(1)} | ${runc.toFixed(1)} | ${each} |`;
  };
  const [idleRune, idleRunc] = shims.map((shim) => (memory.get(`${shim} idle`) ?? 0) * 10);
  writeResult(
    "shim",
    `# Tasks through the shim

${machine()}

Wall time in ms, median of ${rounds} interleaved rounds, with one containerd; the stock shim calls runc.

| | rune's shim | stock shim | ratio |
|---|---|---|---|
${timeRow("run", "`ctr run --rm`")}
${timeRow("exec", "`ctr task exec`")}

PSS in MB of all processes of the shim, which are the server and its monitors here and one process for each pod there.

| pods | rune's shim | stock shim | each | each, stock |
|---|---|---|---|---|
${sizes.map(memoryRow).join("\n")}

CPU time of all of them in ${idleSeconds} s of nothing, with ${sizes.at(-1)} pods: ${idleRune} ms and ${idleRunc} ms.
`,
  );
}
