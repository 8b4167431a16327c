// SPDX-License-Identifier: Apache-2.0
/**
 * Prometheus' text format, for a textfile collector (prometheus.io/docs/instrumenting/exposition_formats). What is
 * counted across commands is the journal's; the rest is how things are now.
 */
import { type ContainerStatus, containerStatuses } from "../oci/state.ts";
import { phaseNames, type Tally } from "./journal.ts";
import type { Usage } from "./usage.ts";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number | bigint];

export function metricsText(usages: readonly Usage[], tally: Tally): string {
  return [
    ...family("inclavare_containers", "gauge", "Containers by state.", byStatus(usages)),
    ...usageFamilies(usages),
    ...enclaveFamilies(tally),
    ...family(
      "inclavare_exec_failures_total",
      "counter",
      "Calls of exec that started no program, by error code.",
      byCode(tally.execFailures),
    ),
    ...family(
      "inclavare_quote_failures_total",
      "counter",
      "Quotes that the service did not give, by error code.",
      byCode(tally.quoteFailures),
    ),
    ...family("inclavare_evidence_refused_total", "counter", "Evidence that was not accepted.", [
      [{}, tally.evidenceRefused],
    ]),
    "",
  ].join("\n");
}

/** All states, also those that no container is in: a series that comes and goes is hard to watch. */
function byStatus(usages: readonly Usage[]): Sample[] {
  const count = (status: ContainerStatus, enclave: boolean) =>
    usages.filter((one) => one.status === status && (one.enclave !== undefined) === enclave).length;
  return containerStatuses.flatMap((state) =>
    [false, true].map(
      (enclave): Sample => [{ state, enclave: String(enclave) }, count(state, enclave)],
    ),
  );
}

function usageFamilies(usages: readonly Usage[]): string[] {
  const samples = (value: (usage: Usage) => number | bigint | undefined): Sample[] =>
    usages.flatMap((usage) => {
      const found = value(usage);
      return found === undefined ? [] : [[{ container: usage.id }, found] as const];
    });
  const gauge = (name: string, help: string, value: Parameters<typeof samples>[0]) =>
    family(name, "gauge", help, samples(value));
  return [
    ...family(
      "inclavare_container_cpu_seconds_total",
      "counter",
      "Processor time.",
      samples(({ cpuNs }) => (cpuNs === undefined ? undefined : Number(cpuNs) / 1e9)),
    ),
    ...gauge("inclavare_container_memory_bytes", "Memory.", ({ memoryBytes }) => memoryBytes),
    ...gauge(
      "inclavare_container_memory_limit_bytes",
      "Memory that it may use; absent where there is no limit.",
      ({ memoryLimitBytes }) => memoryLimitBytes,
    ),
    ...gauge("inclavare_container_pids", "Processes and threads.", ({ pids }) => pids),
    ...gauge("inclavare_container_epc_bytes", "Enclave pages.", ({ epcBytes }) => epcBytes),
  ];
}

function enclaveFamilies({ enclaveStarts }: Tally): string[] {
  const platforms = Object.entries(enclaveStarts).sort(([one], [other]) => (one < other ? -1 : 1));
  const seconds = platforms.flatMap(([platform, sum]) =>
    phaseNames.map(
      (phase): Sample => [{ platform, phase }, Number((sum[phase] / 1000).toFixed(6))],
    ),
  );
  const counts = platforms.map(([platform, { count }]): Sample => [{ platform }, count]);
  return [
    ...family("inclavare_enclave_starts_total", "counter", "Enclaves started.", counts),
    ...family(
      "inclavare_enclave_start_seconds_total",
      "counter",
      "Time that starting enclaves took, by phase.",
      seconds,
    ),
  ];
}

function byCode(counts: Readonly<Record<string, number>>): Sample[] {
  const entries = Object.entries(counts).sort(([one], [other]) => (one < other ? -1 : 1));
  return entries.map(([code, count]) => [{ code }, count]);
}

/** Nothing of one without samples: it would be a name without meaning. */
function family(
  name: string,
  type: "gauge" | "counter",
  help: string,
  samples: readonly Sample[],
): string[] {
  if (samples.length === 0) return [];
  const lines = samples.map(([labels, value]) => `${name}${labelText(labels)} ${value}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines];
}

function labelText(labels: Labels): string {
  const entries = Object.entries(labels);
  if (entries.length === 0) return "";
  return `{${entries.map(([name, value]) => `${name}="${escapeLabel(value)}"`).join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
