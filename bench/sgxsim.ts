// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run bench`: what the simulated SGX platform costs, beside the aims, on this machine: entering and
 * leaving, building enclaves, starting programs, system calls that do not concern it. Every figure is the best of
 * many rounds. Writes bench/results/sgxsim.md.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { join, resolve } from "node:path";
import { simulator, Workshop } from "../tests/sgxsim/platform.ts";

const root = resolve(import.meta.dir, "..");
const starts = 60;
type Figures = ReadonlyMap<string, number>;

using workshop = new Workshop();
workshop.buildEnclave();
const bench = workshop.compile("bench");
const files = [workshop.path("enclave.bin"), workshop.path("enclave.ss")];

const plain = figures([bench, ...files, "outside"]);
const simulated = figures([simulator, bench, ...files]);
const portable = figures([simulator, "--portable", bench, ...files]);
const start = { plain: startMs(["/bin/true"]), simulated: startMs([simulator, "/bin/true"]) };
const keepsBases = (await hardwareCapabilities2()) % 4 >= 2;

const call = "system call (getppid)";
const after = "system call after the first EENTER";
const rows: readonly (readonly [string, string, string, string])[] = [
  row("EENTER and EEXIT through the vDSO", simulated, "EENTER and EEXIT, vDSO", "us", entryAim()),
  row("the same, --portable", portable, "EENTER and EEXIT, vDSO", "us", "2 signals at most"),
  row("EENTER and EEXIT, the host's own ENCLU", simulated, "EENTER and EEXIT, own ENCLU", "us", ""),
  row("a signal and its return, without the platform", plain, "signal", "us", ""),
  row("arch_prctl, without the platform", plain, "arch_prctl (FS base)", "us", ""),
  row("EADD", simulated, "EADD", "MB/s", ""),
  row("EADD and EEXTEND", simulated, "EADD and EEXTEND", "MB/s", hasShaNi() ? "600" : ""),
  row("EADD and EEXTEND, --portable (no SHA-NI)", portable, "EADD and EEXTEND", "MB/s", ""),
  ["a program's start more than plain", ms(start.simulated - start.plain), "ms", "3.00"],
  ["another system call, times plain", ratio(simulated, call), "", "1.50"],
  ["the same, after the first EENTER", ratio(simulated, after), "", "1.50"],
];
write();

function figures(words: readonly string[]): Figures {
  const child = Bun.spawnSync([...words], { stdin: "ignore" });
  if (child.exitCode !== 0) throw new Error(`${words.join(" ")}: ${child.stderr.toString()}`);
  const lines = child.stdout.toString().split("\n").slice(0, -1);
  return new Map(
    lines.map((line) => line.split("\t")).map(([name = "", value]) => [name, Number(value)]),
  );
}

function startMs(words: readonly string[]): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < starts; i++) {
    const before = Bun.nanoseconds();
    Bun.spawnSync([...words], { stdin: "ignore", stdout: "ignore" });
    best = Math.min(best, (Bun.nanoseconds() - before) / 1e6);
  }
  return best;
}

/** AT_HWCAP2 of a new process: bit 1 says that the kernel knows FSGSBASE. */
async function hardwareCapabilities2(): Promise<number> {
  const child = Bun.spawn(["/bin/true"], { env: { LD_SHOW_AUXV: "1" }, stdout: "pipe" });
  return Number(/AT_HWCAP2:\s+(\S+)/.exec(await new Response(child.stdout).text())?.[1] ?? 0);
}

function entryAim(): string {
  return keepsBases ? "0.20" : "0.20 where the kernel knows FSGSBASE: not here";
}

function hasShaNi(): boolean {
  return /\bsha_ni\b/.test(readFileSync("/proc/cpuinfo", "utf8"));
}

function row(name: string, from: Figures, key: string, unit: string, aim: string) {
  const value = from.get(key) ?? Number.NaN;
  return [name, value.toFixed(unit === "MB/s" ? 0 : 2), unit, aim] as const;
}

function ratio(from: Figures, key: string): string {
  return ((from.get(key) ?? Number.NaN) / (plain.get(call) ?? Number.NaN)).toFixed(2);
}

function ms(value: number): string {
  return value.toFixed(2);
}

function write(): void {
  const model = /model name\s*:\s*(.*)/.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "?";
  const text = `# The simulated SGX platform

${model}, ${cpus().length} CPUs, Linux ${release()}${keepsBases ? "" : ", which does not know FSGSBASE here"}; ${new Date().toISOString().slice(0, 10)}.
The best of many rounds each.

| | | | aim |
|---|---|---|---|
${rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}
`;
  mkdirSync(join(root, "bench/results"), { recursive: true });
  writeFileSync(join(root, "bench/results/sgxsim.md"), text);
  console.log(text);
}
