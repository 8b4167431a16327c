// SPDX-License-Identifier: Apache-2.0
/**
 * What the resctrl file system tells of a container, in the shape that runc's `events` has (its
 * types/events.go): keys in its order, left out where the machine does not have what they are about.
 */
import { ENOENT } from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno } from "../kernel/kernel.ts";
import type { RdtRecord } from "./record.ts";
import { monitoringFeatures, readInfo } from "./resctrl.ts";

export type RdtStats = {
  readonly l3_cache_info?: L3CacheInfo;
  readonly l3_cache_schema_root?: string;
  readonly l3_cache_schema?: string;
  readonly mem_bw_info?: MemBwInfo;
  readonly mem_bw_schema_root?: string;
  readonly mem_bw_schema?: string;
  /** All lines of the class. */
  readonly schemata?: readonly string[];
  /** One entry for each cache, in the order of their numbers. */
  readonly mbm_stats?: readonly MbmStats[];
  readonly cmt_stats?: readonly CmtStats[];
};

export type L3CacheInfo = {
  readonly cbm_mask?: string;
  readonly min_cbm_bits?: bigint;
  readonly num_closids?: bigint;
};

export type MemBwInfo = {
  readonly bandwidth_gran?: bigint;
  readonly delay_linear?: bigint;
  readonly min_bandwidth?: bigint;
  readonly num_closids?: bigint;
};

/** Bytes since the group was made; a counter that the kernel cannot read now is left out. */
export type MbmStats = { readonly mbm_total_bytes?: bigint; readonly mbm_local_bytes?: bigint };
/** Bytes. */
export type CmtStats = { readonly llc_occupancy?: bigint };

/** Counters are those of the monitoring group, or of the whole class where there is none, as in runc. */
export function rdtStats(kernel: Kernel, record: RdtRecord): RdtStats {
  const { root, group, monitoring = group } = record;
  const lines = schemataOf(kernel, group);
  const rootLines = schemataOf(kernel, root);
  const has = (resource: string) =>
    unlessErrno(() => kernel.stat(`${root}/info/${resource}`), ENOENT) !== undefined;
  const info = (resource: string) => new Info(kernel, root, resource);
  return {
    ...(has("L3")
      ? {
          l3_cache_info: present({
            cbm_mask: info("L3").text("cbm_mask"),
            min_cbm_bits: info("L3").number("min_cbm_bits"),
            num_closids: info("L3").number("num_closids"),
          }),
          ...present({
            l3_cache_schema_root: lineOf(rootLines, "L3"),
            l3_cache_schema: lineOf(lines, "L3"),
          }),
        }
      : {}),
    ...(has("MB")
      ? {
          mem_bw_info: present({
            bandwidth_gran: info("MB").number("bandwidth_gran"),
            delay_linear: info("MB").number("delay_linear"),
            min_bandwidth: info("MB").number("min_bandwidth"),
            num_closids: info("MB").number("num_closids"),
          }),
          ...present({
            mem_bw_schema_root: lineOf(rootLines, "MB"),
            mem_bw_schema: lineOf(lines, "MB"),
          }),
        }
      : {}),
    ...(lines.length === 0 ? {} : { schemata: lines }),
    ...counters(kernel, root, monitoring),
  };
}

function counters(
  kernel: Kernel,
  root: string,
  monitoring: string,
): Pick<RdtStats, "mbm_stats" | "cmt_stats"> {
  const features = monitoringFeatures(kernel, root);
  if (features.length === 0) return {};
  const domains = (unlessErrno(() => kernel.list(`${monitoring}/mon_data`), ENOENT) ?? [])
    .filter(({ name, isDirectory }) => isDirectory && name.startsWith("mon_L3_"))
    .map(({ name }) => name)
    .sort();
  // One that the machine does not have has no file there.
  const count = (domain: string, feature: string) =>
    features.includes(feature)
      ? numberIn(kernel, `${monitoring}/mon_data/${domain}/${feature}`)
      : undefined;
  const mbm = domains.map((domain) =>
    present({
      mbm_total_bytes: count(domain, "mbm_total_bytes"),
      mbm_local_bytes: count(domain, "mbm_local_bytes"),
    }),
  );
  const cmt = domains.map((domain) => present({ llc_occupancy: count(domain, "llc_occupancy") }));
  const measures = (prefix: string) => features.some((feature) => feature.startsWith(prefix));
  return {
    ...(measures("mbm_") ? { mbm_stats: mbm } : {}),
    ...(measures("llc_occupancy") ? { cmt_stats: cmt } : {}),
  };
}

/** The file has words where there is no number: "Unavailable", "Error", "Unassigned". */
function numberIn(kernel: Kernel, path: string): bigint | undefined {
  const text = unlessErrno(() => readText(kernel, path), ENOENT)?.trim() ?? "";
  return /^[0-9]{1,20}$/.test(text) ? BigInt(text) : undefined;
}

class Info {
  readonly #kernel: Kernel;
  readonly #root: string;
  readonly #resource: string;
  constructor(kernel: Kernel, root: string, resource: string) {
    this.#kernel = kernel;
    this.#root = root;
    this.#resource = resource;
  }

  text(name: string): string | undefined {
    return readInfo(this.#kernel, this.#root, `${this.#resource}/${name}`);
  }

  /** 0 is left out, as runc does. */
  number(name: string): bigint | undefined {
    return numberIn(this.#kernel, `${this.#root}/info/${this.#resource}/${name}`) || undefined;
  }
}

/** None on a machine that only monitors. */
function schemataOf(kernel: Kernel, group: string): string[] {
  const text = unlessErrno(() => readText(kernel, `${group}/schemata`), ENOENT) ?? "";
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}

function lineOf(lines: readonly string[], resource: string): string | undefined {
  return lines.find((line) => line.slice(0, line.indexOf(":")).trim() === resource);
}

/** The properties that have a value. */
function present<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  // Entries of T, less those without a value.
  return Object.fromEntries(entries) as { [Key in keyof T]?: Exclude<T[Key], undefined> };
}
