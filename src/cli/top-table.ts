// SPDX-License-Identifier: Apache-2.0
/** Two looks at containers as rows, and rows as text. */
import type { Usage } from "../container/usage.ts";
import { escapeControls } from "../errors/error.ts";
import type { SortKey } from "./verbs/top.ts";

export type Look = { readonly atMs: number; readonly usages: readonly Usage[] };

/** Shares of one processor in percent; sizes in bytes. Undefined where it is not counted. */
export type Row = Omit<Usage, "cpuNs"> & { readonly cpuPercent?: number };

export function rowsOf(before: Look, now: Look): Row[] {
  const elapsedNs = (now.atMs - before.atMs) * 1e6;
  const earlier = new Map(before.usages.map((usage) => [usage.id, usage]));
  return now.usages.map(({ cpuNs, ...row }) => {
    const last = earlier.get(row.id);
    // Another container of the same name counts from nothing.
    const since = last?.pid === row.pid ? last?.cpuNs : undefined;
    if (cpuNs === undefined || since === undefined || elapsedNs <= 0) return row;
    return { ...row, cpuPercent: Math.max(0, (Number(cpuNs - since) * 100) / elapsedNs) };
  });
}

export function sorted(rows: readonly Row[], key: SortKey): Row[] {
  const weight = ({ cpuPercent, memoryBytes, pids, epcBytes }: Row): number => {
    switch (key) {
      case "cpu":
        return cpuPercent ?? -1;
      case "memory":
        return Number(memoryBytes ?? -1n);
      case "pids":
        return Number(pids ?? -1n);
      case "epc":
        return Number(epcBytes ?? -1n);
      case "id":
        return 0;
      default:
        return key satisfies never;
    }
  };
  return [...rows].sort(
    (one, other) => weight(other) - weight(one) || (one.id < other.id ? -1 : 1),
  );
}

const headings = ["ID", "STATUS", "ENCLAVE", "CPU %", "MEMORY", "LIMIT", "PIDS", "EPC"];
const leftAligned = 3;

export function lookTable(rows: readonly Row[]): string[] {
  const cells = [headings, ...rows.map(cellsOf)];
  const widths = headings.map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  return cells.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column < leftAligned ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd(),
  );
}

function cellsOf(row: Row): string[] {
  const { id, status, enclave, cpuPercent, memoryBytes, memoryLimitBytes, pids, epcBytes } = row;
  return [
    escapeControls(id), // a directory's name, which anybody with root may have made
    status,
    enclave === undefined ? "-" : `${enclave.type} (${enclave.platform})`,
    cpuPercent === undefined ? "-" : cpuPercent.toFixed(1),
    bytesText(memoryBytes),
    bytesText(memoryLimitBytes),
    pids === undefined ? "-" : String(pids),
    bytesText(epcBytes),
  ];
}

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

export function bytesText(bytes: bigint | undefined): string {
  if (bytes === undefined) return "-";
  let [value, unit] = [Number(bytes), 0];
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** One line of JSON. Sizes are below 2^53 on any machine. */
export function lookLine(rows: readonly Row[]): string {
  const plain = (_key: string, value: unknown) =>
    typeof value === "bigint" ? Number(value) : value;
  return `${JSON.stringify(rows, plain)}\n`;
}
