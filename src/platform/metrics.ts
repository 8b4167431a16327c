// SPDX-License-Identifier: Apache-2.0
/**
 * What the service counts, as Prometheus reads it (text exposition format 0.0.4).
 * docs/protocol/platform-service.md, "Metrics", lists the names.
 */
import { SGX_ERROR } from "../sgx/egetkey.ts";
import { STATUS_GP } from "./frame.ts";

export type Labels = Readonly<Record<string, string>>;

type Kind = "counter" | "gauge" | "histogram";

/** Name, kind and help of each; a sample of no other name is printed. */
const FAMILIES = {
  info: ["gauge", "1, with the service's version"],
  start_time_seconds: ["gauge", "when the service started, seconds since 1970"],
  enclaves: ["gauge", "enclaves that run on the platform"],
  leases: ["gauge", "processes that use the platform"],
  connections: ["gauge", "connections that are open, by socket"],
  connections_refused_total: [
    "counter",
    "connections ended because there were too many, by socket",
  ],
  einit_total: ["counter", "EINITs by result: accepted, or the processor's error"],
  quotes_total: ["counter", "quotes asked for, by type and whether they were made"],
  aesm_requests_total: ["counter", "answers on the AESM socket, by request and error"],
  http_responses_total: ["counter", "answers on the evidence socket, by status"],
  faults_total: ["counter", "answers that failed for a reason of the service's own"],
  request_seconds: ["histogram", "from a whole request to its answer, by socket"],
} as const satisfies Readonly<Record<string, readonly [Kind, string]>>;

type Family = keyof typeof FAMILIES;
type CounterFamily = {
  [F in Family]: (typeof FAMILIES)[F][0] extends "counter" ? F : never;
}[Family];
type GaugeFamily = { [F in Family]: (typeof FAMILIES)[F][0] extends "gauge" ? F : never }[Family];

export type Gauge = {
  readonly name: GaugeFamily;
  readonly labels?: Labels;
  readonly value: number;
};

const PREFIX = "inclavare_platform_";
/** Upper bounds, in seconds. An EINIT takes about a millisecond, RSA keys some tenths of a second. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] as const;

type Histogram = { readonly buckets: number[]; sum: number; count: number };

export class Metrics {
  readonly #counters = new Map<CounterFamily, Map<string, number>>();
  readonly #times = new Map<string, Histogram>();

  count(name: CounterFamily, labels: Labels = {}): void {
    const series = this.#counters.get(name) ?? new Map<string, number>();
    const key = labelText(labels);
    series.set(key, (series.get(key) ?? 0) + 1);
    this.#counters.set(name, series);
  }

  /** How long a request on a socket took. */
  observe(socket: string, seconds: number): void {
    const known = this.#times.get(socket);
    const times = known ?? { buckets: BUCKETS.map(() => 0), sum: 0, count: 0 };
    if (known === undefined) this.#times.set(socket, times);
    times.sum += seconds;
    times.count++;
    const first = BUCKETS.findIndex((bound) => seconds <= bound);
    if (first >= 0) times.buckets[first] = (times.buckets[first] ?? 0) + 1;
  }

  /** `gauges`: what is true now. */
  text(gauges: readonly Gauge[]): string {
    const lines = Object.entries(FAMILIES).flatMap(([name, [kind, help]]) => {
      const samples = this.#samples(name as Family, gauges);
      if (samples.length === 0) return [];
      return [`# HELP ${PREFIX}${name} ${help}`, `# TYPE ${PREFIX}${name} ${kind}`, ...samples];
    });
    return `${lines.join("\n")}\n`;
  }

  #samples(name: Family, gauges: readonly Gauge[]): string[] {
    if (name === "request_seconds") return [...this.#times].flatMap(histogramLines);
    const own = gauges.filter((gauge) => gauge.name === name);
    const counted = [...(this.#counters.get(name as CounterFamily) ?? [])];
    return [
      ...own.map(({ labels, value }) => `${PREFIX}${name}${labelText(labels ?? {})} ${value}`),
      ...counted.map(([labels, value]) => `${PREFIX}${name}${labels} ${value}`),
    ];
  }
}

function histogramLines([socket, { buckets, sum, count }]: readonly [string, Histogram]): string[] {
  let below = 0;
  const line = (suffix: string, labels: Labels, value: number) =>
    `${PREFIX}request_seconds${suffix}${labelText(labels)} ${value}`;
  return [
    ...BUCKETS.map((bound, index) => {
      below += buckets[index] ?? 0;
      return line("_bucket", { socket, le: String(bound) }, below);
    }),
    line("_bucket", { socket, le: "+Inf" }, count),
    line("_sum", { socket }, sum),
    line("_count", { socket }, count),
  ];
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** The media type of the format's version. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

const ERROR_NAMES: ReadonlyMap<number, string> = new Map([
  [0, "accepted"],
  [STATUS_GP, "GP"],
  ...Object.entries(SGX_ERROR).map(([name, number]) => [number, name] as const),
]);

export function einitResult(status: number): string {
  return ERROR_NAMES.get(status) ?? `${status}`;
}

/** Undefined for a request of AESM's that asks for no quote. */
export function quoteType(request: string): "ecdsa" | "epid" | undefined {
  if (request === "getQuoteEx") return "ecdsa";
  return request === "getQuote" ? "epid" : undefined;
}
