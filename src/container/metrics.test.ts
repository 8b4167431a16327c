// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { emptyTally } from "./journal.ts";
import { metricsText } from "./metrics.ts";

test("without anything there are zeros for what may come, and no names without samples", () => {
  const text = metricsText([], emptyTally);
  expect(text).toContain('inclavare_containers{state="running",enclave="false"} 0\n');
  expect(text).toContain("inclavare_evidence_refused_total 0\n");
  expect(text).not.toContain("inclavare_exec_failures_total");
  expect(text.endsWith("0\n")).toBe(true);
});

test("each family has its help and type once, before its samples", () => {
  const usage = {
    id: "web",
    status: "running",
    cpuNs: 1_500_000_000n,
    memoryBytes: 4096n,
  } as const;
  const enclave = { type: "intelSgx", platform: "simulation" };
  const text = metricsText([usage, { ...usage, id: "db", enclave, epcBytes: 8192n }], {
    execFailures: { EXEC_NOT_FOUND: 2, EXEC_FAILED: 1 },
    evidenceRefused: 4,
    quoteFailures: { AESM_REFUSED: 3 },
    enclaveStarts: { simulation: { count: 2, prepare: 1, launch: 2000.0000001, attest: 0 } },
  });
  const lines = text.split("\n");
  const samples = (name: string) => lines.filter((line) => line.replace(/[{ ].*/, "") === name);
  expect(samples("inclavare_container_cpu_seconds_total")).toEqual([
    'inclavare_container_cpu_seconds_total{container="web"} 1.5',
    'inclavare_container_cpu_seconds_total{container="db"} 1.5',
  ]);
  expect(samples("inclavare_container_epc_bytes")).toEqual([
    'inclavare_container_epc_bytes{container="db"} 8192',
  ]);
  expect(samples("inclavare_exec_failures_total")).toEqual([
    'inclavare_exec_failures_total{code="EXEC_FAILED"} 1',
    'inclavare_exec_failures_total{code="EXEC_NOT_FOUND"} 2',
  ]);
  expect(text).toContain(
    'inclavare_enclave_start_seconds_total{platform="simulation",phase="launch"} 2\n',
  );
  expect(text).toContain('inclavare_containers{state="running",enclave="true"} 1\n');
  const names = lines.filter((line) => line.startsWith("# TYPE")).map((line) => line.split(" ")[2]);
  expect(new Set(names).size).toBe(names.length);
  for (const line of lines.filter((one) => one !== "" && !one.startsWith("#"))) {
    expect(line).toMatch(/^inclavare_[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [\d.e+-]+$/);
  }
});

test("what a label holds cannot end it", () => {
  const text = metricsText([{ id: 'a"\n\\b', status: "running", pids: 1n }], emptyTally);
  expect(text).toContain('inclavare_container_pids{container="a\\"\\n\\\\b"} 1\n');
});
