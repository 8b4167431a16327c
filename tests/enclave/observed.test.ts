// SPDX-License-Identifier: Apache-2.0
/** What is seen of containers and enclaves from outside: `rune top`, `rune metrics`, `rune events --json`. */
import { expect } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/command.ts";
import { EnclaveSandbox, enclave, enclaveObstacle } from "../support/enclave.ts";
import { TerminalSession } from "../support/engines/terminal.ts";
import { needs, only } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const test = needs(enclaveObstacle);
const sleep = "exec-sleep=60000";

async function metricsOf(sandbox: Sandbox): Promise<Map<string, number>> {
  const { stdout } = await sandbox.must(["metrics"]);
  return seriesIn(stdout);
}

function seriesIn(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]),
  );
}

type Line = { readonly type: string; readonly id: string; readonly time?: string; data?: object };

function linesIn(text: string): Line[] {
  return text
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

// covers: metrics, events --json
test("an enclave's start is counted by phase, and told with its end", async () => {
  await using sandbox = new EnclaveSandbox();
  const id = sandbox.id();
  sandbox.configure(enclave(sandbox.pal("v2"), "trace", sleep));
  await sandbox.must(["create", id]);
  await sandbox.must(["start", id]);
  const series = await metricsOf(sandbox);
  expect(series.get('inclavare_containers{state="running",enclave="true"}')).toBe(1);
  expect(series.get('inclavare_enclave_starts_total{platform="hardware"}')).toBe(1);
  const seconds = (phase: string) =>
    series.get(`inclavare_enclave_start_seconds_total{platform="hardware",phase="${phase}"}`);
  expect(seconds("launch")).toBeGreaterThan(0);
  expect(seconds("attest")).toBeLessThan(seconds("launch") ?? 0); // it wants none
  expect(series.get(`inclavare_container_pids{container="${id}"}`)).toBeGreaterThan(0);

  using watching = sandbox.begin(["events", "--json", "--interval", "50ms", id]);
  await eventually("statistics come", () => watching.stdout().includes('"stats"'));
  await sandbox.must(["kill", id, "KILL"]);
  expect(await watching.exited()).toBe(0);
  const lines = linesIn(watching.stdout());
  expect(lines.at(0)).toMatchObject({
    type: "enclave-started",
    id,
    data: { platform: "hardware" },
  });
  expect(lines.at(-1)).toMatchObject({ type: "enclave-ended", id });
  await sandbox.must(["delete", id]);
  const { stdout } = await sandbox.must(["events", "--json", "--stats"]);
  expect(linesIn(stdout).map(({ type }) => type)).toEqual(["enclave-started", "enclave-ended"]);
  expect(
    (await metricsOf(sandbox)).get('inclavare_enclave_starts_total{platform="hardware"}'),
  ).toBe(1);
});

const rune = only("rune", "it has neither top nor metrics");

// covers: metrics --output
rune("failures of exec are counted, at once and where a monitor tells of them", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started({ process: { args: ["/bin/sleep", "1000"] } });
  const failing = ["exec", id, "/nowhere"];
  expect((await sandbox.call(failing)).status).toBe(255);
  expect((await sandbox.call(["exec", "--detach", id, "/nowhere"])).status).toBe(255);
  await sandbox.must(["exec", id, "/bin/true"]);
  const series = await metricsOf(sandbox);
  expect(series.get('inclavare_exec_failures_total{code="EXEC_NOT_FOUND"}')).toBe(2);
  expect(series.get('inclavare_containers{state="running",enclave="false"}')).toBe(1);
  expect(series.get(`inclavare_container_cpu_seconds_total{container="${id}"}`)).toBeGreaterThan(0);

  const file = join(sandbox.path, "rune.prom");
  await sandbox.must(["metrics", "--output", file]);
  expect(seriesIn(readFileSync(file, "utf8")).has("inclavare_evidence_refused_total")).toBe(true);
  expect(readdirSync(sandbox.path).filter((name) => name.startsWith("rune.prom"))).toEqual([
    "rune.prom",
  ]);
  const failed = await sandbox.call(["metrics", "--output", "/nowhere/rune.prom"]);
  expect(failed.stderr).toContain(
    "write metrics to `/nowhere/rune.prom`: open `/nowhere/rune.prom.",
  );
  expect(existsSync("/nowhere")).toBe(false);
});

// covers: top --once, top --json, top --interval, top --sort
rune("top, once: as a table, and as JSON", async () => {
  await using sandbox = new Sandbox();
  const memory = { linux: { resources: { memory: { limit: 64 << 20 } } } };
  const busy = { process: { args: ["/bin/sh", "-c", "while :; do :; done"] } };
  const id = await sandbox.started(busy, memory);
  const once = ["top", "--once", "--interval", "300ms"];
  const { stdout } = await sandbox.must(once);
  const [heading, row] = stdout.split("\n");
  expect(heading).toMatch(/^ID +STATUS +ENCLAVE +CPU % +MEMORY +LIMIT +PIDS +EPC$/);
  expect(row).toMatch(new RegExp(`^${id} +running +- +[\\d.]+ +\\S+ \\w+ +64.0 MiB +1 +`));
  const json = await sandbox.must([...once, "--json", "--sort", "memory"]);
  const [found] = JSON.parse(json.stdout);
  expect(found).toMatchObject({ id, status: "running", pids: 1, memoryLimitBytes: 64 << 20 });
  expect(found.cpuPercent).toBeGreaterThan(0);
  const slow = await sandbox.call(["top", "--interval", "1ms"]);
  expect(slow.stderr).toContain("expected a time of at least 100ms");
});

// covers: top
rune("top on a terminal is gone from it at ^C", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started({ process: { args: ["/bin/sleep", "1000"] } });
  const { env } = process;
  using terminal = new TerminalSession(
    sandbox.argv("top", "--interval", "100ms"),
    { PATH: env["PATH"] ?? "" },
    { rows: 5, cols: 20 },
  );
  await terminal.shows(id.slice(0, 20));
  terminal.type("\x03");
  expect(await terminal.exited()).toBe(0);
  expect(terminal.shown).toStartWith("\x1b[?1049h\x1b[?25l");
  expect(terminal.shown).toEndWith("\x1b[?25h\x1b[?1049l");
});
