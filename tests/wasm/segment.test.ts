// SPDX-License-Identifier: Apache-2.0
/**
 * What keeps a program in its memory: each of its accesses has the segment whose base that memory
 * is. gcc prints the pattern of each instruction (-dP), with the address space of what it touches.
 */
import { expect } from "bun:test";
import { mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compileFlags, translate } from "../../src/wasm/toolchain.ts";
import { mustRun } from "../support/command.ts";
import { needs, repository } from "../support/runtime.ts";
import { clangObstacle, compileC, Workshop, wasmObstacle } from "./support.ts";

const workshop = new Workshop();
const examples = join(repository, "examples/wasm");
const path = (name: string) => join(workshop.path, name);
const rustObstacle = wasmObstacle ?? (Bun.which("rustc") === null ? "needs rustc" : undefined);

type Accesses = { readonly count: number; readonly wrong: readonly string[] };

/** The accesses of an assembler listing: AS1 is `__seg_fs`. */
function readListing(listing: string): Accesses {
  let count = 0;
  const wrong: string[] = [];
  let pattern = "";
  let code = "";
  let inNotes = false;
  const finish = () => {
    const touches = /\bAS[1-9]/.test(pattern);
    if (touches) count++;
    if (touches !== code.includes("%fs:")) wrong.push(`${pattern}${code}`);
    pattern = "";
    code = "";
    inNotes = false;
  };
  for (const line of listing.split("\n")) {
    if (/^#\((insn|call_insn|jump_insn)/.test(line)) finish();
    // What is known about the instruction: it touches none of that.
    if (/^# {5}\(/.test(line)) inNotes = true;
    if (line.startsWith("#")) pattern += inNotes ? "" : `${line}\n`;
    else if (/^\t[a-z]/.test(line)) code += `${line}\n`;
  }
  finish();
  return { count, wrong };
}

/** Instructions at an address that is a number, as nothing of an enclave is: `movabs 4294963200, %rax`. */
function absolutes(listing: string): string[] {
  return listing.split("\n").filter((line) => {
    const operands = /^\t[a-z]\w*\t([^#]*)/.exec(line)?.[1] ?? "";
    return operands.split(/,(?![^(]*\))/).some((operand) => /^-?[0-9]+$/.test(operand.trim()));
  });
}

/** Compiles a program as the builder does, in each of its ways. */
async function expectSegments(wasm: string, least: number): Promise<void> {
  const directory = mkdtempSync(path("segment-"));
  await translate(new Uint8Array(readFileSync(wasm)), directory);
  for (const guardPages of [true, false]) {
    const flags = compileFlags({ guardPages, avx: !guardPages });
    await mustRun(["gcc", ...flags, "-S", "-dP", "app.c", "-o", "app.s"], { cwd: directory });
    const listing = readFileSync(join(directory, "app.s"), "utf8");
    const { count, wrong } = readListing(listing);
    expect(wrong).toEqual([]);
    expect(count).toBeGreaterThan(least);
    expect(absolutes(listing)).toEqual([]);
  }
}

const insn = (pattern: string, ...code: string[]) =>
  [`#(insn 1 2 3 4 (set (reg:DI 0 ax)`, `#        ${pattern}) "app.c":1:1 1 {*mov}`, ...code].join(
    "\n",
  );

needs(undefined)("the reading of a listing sees an access without its segment", () => {
  const inside = "(mem:DI (const_int 4294963208) [2 *_1+0 S8 A64 AS1])";
  const own = "(mem:DI (reg:DI 5 di) [2 *_1+0 S8 A64])";
  const note = "#     (expr_list:REG_EQUIV (mem:DI (const_int 8) [0 S8 A64 AS1])";
  expect(readListing(insn(inside, "\tmovq\t%fs:(%rax), %rax"))).toEqual({ count: 1, wrong: [] });
  expect(readListing(insn(own, note, "\tmovq\t(%rdi), %rax"))).toEqual({ count: 0, wrong: [] });
  expect(readListing(insn(inside, "\tmovabsq\t4294963208, %rax")).wrong).toHaveLength(1);
  expect(readListing(insn(own, "\tmovq\t%fs:(%rax), %rax")).wrong).toHaveLength(1);
  expect(absolutes("\tmovabsq\t4294963208, %rax\t# 1")).toHaveLength(1);
  expect(absolutes("\tmovabsq\t%rax, 2147483664")).toHaveLength(1);
  expect(absolutes("\tmovq\t%fs:16, %rax\n\tmovabsq\t$16, %rax\n\tjmp\t.L1\t# 16")).toEqual([]);
  const two = `${insn(inside, "\tmovq\t(%rax), %rax")}\n${insn(inside, "\tmovq\t%fs:8, %rax")}`;
  expect(readListing(two)).toMatchObject({ count: 2, wrong: { length: 1 } });
});

for (const name of ["addresses", "traps", "conformance"]) {
  needs(clangObstacle)(`each access of a program in C has its segment: ${name}`, async () => {
    await compileC(
      join(import.meta.dir, `programs/${name}.c`),
      path(`${name}.wasm`),
      "-mbulk-memory",
    );
    await expectSegments(path(`${name}.wasm`), 100);
  });
}

needs(wasmObstacle)("each access of a program in AssemblyScript has its segment", async () => {
  await mustRun(["sh", join(examples, "web/build.sh"), path("web.wasm")]);
  await expectSegments(path("web.wasm"), 100);
});

needs(rustObstacle)("each access of a program in Rust has its segment", async () => {
  await mustRun([
    ...["rustc", "--target", "wasm32-wasi", "-C", "linker=wasm-ld", "-O"],
    ...["-o", path("batch.wasm"), join(examples, "batch/batch.rs")],
  ]);
  await expectSegments(path("batch.wasm"), 100);
});
