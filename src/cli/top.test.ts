// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import type { Usage } from "../container/usage.ts";
import { top } from "./top.ts";
import { bytesText, lookTable, rowsOf, sorted } from "./top-table.ts";
import { parseTop } from "./verbs/top.ts";

const web = {
  id: "web",
  status: "running",
  pid: 7,
  cpuNs: 0n,
  memoryBytes: 3n << 20n,
  pids: 2n,
} as const;
const db = {
  id: "db",
  status: "running",
  pid: 8,
  cpuNs: 0n,
  memoryBytes: 5n << 30n,
  pids: 1n,
} as const;

test("processor time between two looks, of the same process", () => {
  const [before, now] = [
    { atMs: 1000, usages: [web, db] },
    {
      atMs: 3000,
      usages: [
        { ...web, cpuNs: 1_000_000_000n },
        { ...db, pid: 9, cpuNs: 5n },
      ],
    },
  ];
  const [first, second] = rowsOf(before, now);
  expect(first).toMatchObject({ id: "web", cpuPercent: 50 });
  expect(second).not.toHaveProperty("cpuPercent"); // another container of the name
  expect(rowsOf(now, now).every((row) => row.cpuPercent === undefined)).toBe(true);
});

test("sorted by what is asked for, what is not counted last, then by id", () => {
  const rows = [{ ...web, cpuPercent: 1 }, db, { ...db, id: "app" }];
  const ids = (key: Parameters<typeof sorted>[1]) => sorted(rows, key).map(({ id }) => id);
  expect(ids("cpu")).toEqual(["web", "app", "db"]);
  expect(ids("memory")).toEqual(["app", "db", "web"]);
  expect(ids("pids")).toEqual(["web", "app", "db"]);
  expect(ids("epc")).toEqual(["app", "db", "web"]);
  expect(ids("id")).toEqual(["app", "db", "web"]);
});

test("columns are as wide as they have to be, and names cannot write on the terminal", () => {
  const enclave = { type: "intelSgx", platform: "simulation" };
  const rows = [
    { ...web, id: "a\x1b[2J", cpuPercent: 12.345, enclave },
    { id: "b", status: "stopped" as const },
  ];
  const [heading = "", first = "", second = ""] = lookTable(rows);
  expect(first).not.toContain("\x1b");
  expect(first).toContain("intelSgx (simulation)   12.3  3.0 MiB");
  expect(heading.indexOf("STATUS")).toBe(first.indexOf("running"));
  expect(second.replaceAll(/ +/g, " ")).toBe("b stopped - - - - - -");
  expect([0n, 1023n, 1536n, 1n << 70n].map(bytesText)).toEqual([
    "0 B",
    "1023 B",
    "1.5 KiB",
    "1024.0 EiB",
  ]);
});

async function shown(
  words: readonly string[],
  looks: number,
  size?: { rows: number; columns: number },
) {
  const command = parseTop(["--interval", "100ms", ...words]);
  if (command === undefined) throw new Error("help");
  const controller = new AbortController();
  let [printed, count, atMs] = ["", 0, 0];
  const usages = (): Usage[] => {
    if (count++ === looks) controller.abort();
    return [{ ...web, cpuNs: BigInt(count) * 1_000_000n }, db];
  };
  await top(
    { ...command, intervalMs: 1 },
    {
      kernel: { nowMs: () => (atMs += 100) },
      print: (text) => {
        printed += text;
      },
      ...{ usages, size: () => size, signal: controller.signal },
    },
  );
  return printed;
}

test("once is one table; JSON is a line a look; without a terminal nothing but text", async () => {
  expect((await shown(["--once"], 9)).split("\n")).toHaveLength(4);
  const lines = (await shown(["--json"], 2)).trim().split("\n");
  expect(lines).toHaveLength(2);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject([{ id: "web", cpuPercent: 1 }, { id: "db" }]);
  expect(await shown([], 2)).not.toContain("\x1b");
});

test("a terminal gets what it has room for, and is left as it was", async () => {
  const text = await shown([], 1, { rows: 3, columns: 10 });
  expect(text).toStartWith("\x1b[?1049h\x1b[?25l\x1b[H");
  expect(text).toEndWith("\x1b[?25h\x1b[?1049l");
  expect(text).toContain("web  runni\x1b[K\n");
  expect(text).not.toContain("db");
});

test("intervals that measure nothing, and columns that there are not", () => {
  for (const interval of ["50ms", "0s", "soon"]) {
    expect(() => parseTop(["--interval", interval])).toThrow("at least 100ms");
  }
  expect(() => parseTop(["--sort", "size"])).toThrow();
});
