// SPDX-License-Identifier: Apache-2.0
/** Lines of a `schemata` file: those that a configuration wants, and whether a file has them. */
import type { IntelRdt } from "../oci/config-linux.ts";

/** What is written, in order; each one in a single write. */
export type Schemata = readonly (readonly string[])[];

/**
 * `l3CacheSchema` and `memBwSchema` together, then `schemata`: the specification has it written last.
 * Apart, since the kernel takes each cache only once in a write (parse_cbm in fs/resctrl/ctrlmondata.c).
 */
export function wantedSchemata(config: IntelRdt): Schemata {
  const l3 = linesOf(config.l3CacheSchema ?? "").filter((line) => !isBandwidthLine(line));
  const older = [...l3, ...linesOf(config.memBwSchema ?? "")];
  const complete = (config.schemata ?? []).flatMap(linesOf);
  return [older, complete].filter(({ length }) => length > 0);
}

/** Lines of `l3CacheSchema` that are about memory bandwidth: the specification has them left out. */
export function ignoredLines({ l3CacheSchema = "" }: IntelRdt): string[] {
  return linesOf(l3CacheSchema).filter(isBandwidthLine);
}

function isBandwidthLine(line: string): boolean {
  return line.startsWith("MB:");
}

function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}

/** By resource ("L3") and domain (the id of a cache). */
type Values = ReadonlyMap<string, ReadonlyMap<string, bigint>>;

/** Steps in which a resource's bandwidth is given, to which the kernel rounds up; undefined for none. */
export type Granularity = (resource: string) => bigint | undefined;

/**
 * Where a `schemata` file is not as the lines would make it, in words; undefined where it is. Spaces do
 * not count, numbers count by value. What the lines do not name may be anything.
 */
export function schemataDifference(
  file: string,
  wanted: Schemata,
  granularity: Granularity,
): string | undefined {
  const present = valuesOf(linesOf(file), granularity);
  for (const [resource, domains] of valuesOf(wanted.flat(), granularity)) {
    const found = present.get(resource);
    if (found === undefined) return `it has no \`${resource}\``;
    for (const [domain, value] of domains) {
      const other = found.get(domain);
      if (other === undefined) return `it has no \`${resource}:${domain}\``;
      if (other === value) continue;
      return `its \`${resource}:${domain}\` is ${shown(resource, other)}, not ${shown(resource, value)}`;
    }
  }
  return undefined;
}

/** Of several values for a domain the last one counts, as when they are written. */
function valuesOf(lines: readonly string[], granularity: Granularity): Values {
  const values = new Map<string, Map<string, bigint>>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon < 0) throw new MalformedLine(line, "expected RESOURCE:ID=VALUE;...");
    const resource = line.slice(0, colon).trim();
    const domains = values.get(resource) ?? new Map<string, bigint>();
    values.set(resource, domains);
    for (const entry of line.slice(colon + 1).split(";")) {
      if (entry.trim() === "") continue;
      const [id = "", value, ...more] = entry.split("=");
      const domain = parseNumber(id, 10);
      const number = value === undefined ? undefined : parseNumber(value, radixOf(resource));
      if (domain === undefined || number === undefined || more.length > 0) {
        throw new MalformedLine(line, `\`${entry.trim()}\` is no ID=VALUE`);
      }
      domains.set(String(domain), roundUp(number, granularity(resource)));
    }
  }
  return values;
}

/** A line that cannot be compared. */
export class MalformedLine extends Error {
  readonly line: string;
  constructor(line: string, why: string) {
    super(why);
    this.line = line;
  }
}

/** Bandwidths are decimal, masks of caches hexadecimal. */
function radixOf(resource: string): 10 | 16 {
  return isBandwidth(resource) ? 10 : 16;
}

/** Memory bandwidth, and that of slow memory (AMD's SMBA). */
export function isBandwidth(resource: string): boolean {
  return resource === "MB" || resource === "SMBA";
}

/** As kstrtoul reads it: a mask may begin with 0x. */
function parseNumber(text: string, radix: 10 | 16): bigint | undefined {
  const digits = text.trim();
  if (radix === 10) return /^[0-9]{1,20}$/.test(digits) ? BigInt(digits) : undefined;
  const mask = /^(?:0x)?([0-9a-f]{1,16})$/i.exec(digits)?.[1];
  return mask === undefined ? undefined : BigInt(`0x${mask}`);
}

function roundUp(value: bigint, step: bigint | undefined): bigint {
  return step === undefined || step === 0n ? value : ((value + step - 1n) / step) * step;
}

function shown(resource: string, value: bigint): string {
  return `\`${value.toString(radixOf(resource))}\``;
}
