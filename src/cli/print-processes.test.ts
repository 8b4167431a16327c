// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { formatPids, formatTable, hostPs, type PsProgram } from "./print-processes.ts";

const output =
  "UID        PID  PPID CMD\nroot         7     1 sh -c PID 8\nroot        70     1 cat\n";
const ps: PsProgram = () => ({ status: 0, stdout: output, stderr: "" });

test("pids alone, as runc prints them", () => {
  expect(formatPids([7, 8])).toBe("[7,8]\n");
  expect(formatPids([])).toBe("null\n");
});

test("the header, and the lines whose pid column is the container's", () => {
  const header = "UID        PID  PPID CMD\n";
  expect(formatTable([7], [], ps)).toBe(`${header}root         7     1 sh -c PID 8\n`);
  expect(formatTable([8, 1], [], ps)).toBe(header);
});

test("options replace -ef", () => {
  const seen: (readonly string[])[] = [];
  const spy: PsProgram = (argv) => {
    seen.push(argv);
    return { status: 0, stdout: "PID\n", stderr: "" };
  };
  formatTable([], [], spy);
  formatTable([], ["-o", "pid,comm"], spy);
  expect(seen).toEqual([
    ["ps", "-ef"],
    ["ps", "-o", "pid,comm"],
  ]);
});

test("what ps says when it fails is the reason", () => {
  const bad: PsProgram = () => ({ status: 1, stdout: "", stderr: "error: unknown\nusage\n" });
  expect(() => formatTable([], ["-%"], bad)).toThrow("run `ps -%`: error: unknown");
  const silent: PsProgram = () => ({ status: 1, stdout: "", stderr: "" });
  expect(() => formatTable([], [], silent)).toThrow("it failed without a word");
  const noColumn: PsProgram = () => ({ status: 0, stdout: "COMMAND\ncat\n", stderr: "" });
  expect(() => formatTable([], ["-o", "comm"], noColumn)).toThrow("no column `PID`");
});

test("a host without ps", () => {
  expect(() => hostPs(new Map([["PATH", "/nowhere"]]))(["ps"])).toThrow("run `ps`");
});
