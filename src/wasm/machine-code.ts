// SPDX-License-Identifier: Apache-2.0
/**
 * Searches the linked enclave, the program's code and the runtime's own assembler alike, for what the
 * processor refuses in an enclave or lets the host answer (SDM volume 3D, "Illegal
 * Instructions"; some processors allow RDTSC, and XGETBV tells what the host has set).
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { RuneError } from "../errors/error.ts";

const NAMES = [
  ..."cpuid getsec rdpmc rdtsc rdtscp rdpid xgetbv rdmsr wrmsr".split(" "),
  ..."sgdt sidt sldt str smsw vmcall vmfunc hlt invd wbinvd".split(" "),
  ..."syscall sysenter sysexit sysret int int3 int1 into".split(" "),
  ..."in ins insb insw insl out outs outsb outsw outsl".split(" "),
  ..."lcall ljmp lret iret iretw iretq lds les lfs lgs lss".split(" "),
];
const PREFIXES = String.raw`(?:(?:repn?[ez]?|lock|data16|addr32|bnd|notrack|[cdefgs]s|rex\S*)\s+)*`;
/** objdump's line: address, tab, prefixes, mnemonic, operands; its suffix tells sizes. */
const FORBIDDEN = new RegExp(
  String.raw`^\s*([0-9a-f]+):\t${PREFIXES}((?:${NAMES.join("|")})[lqw]?)\b`,
);
const SEGMENT = /^\s*([0-9a-f]+):\t((?:mov\S*\s.*,|pop\S*\s+)%[defgs]s)\s*$/;
const NOTHING = /^\s*([0-9a-f]+):\t.*(\(bad\))/;

/** What an enclave may not have, in a line of `objdump -d --no-show-raw-insn`. */
export function forbiddenIn(line: string): { address: string; instruction: string } | undefined {
  const found = FORBIDDEN.exec(line) ?? SEGMENT.exec(line) ?? NOTHING.exec(line);
  const [, address = "", instruction = ""] = found ?? [];
  return found === null ? undefined : { address, instruction };
}

/** @throws RuneError WASM_TOOLCHAIN that names the first such instruction, or what objdump says */
export async function checkMachineCode(
  elf: string,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const words = ["-d", "--no-show-raw-insn", elf];
  const objdump = spawn("objdump", words, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  objdump.stderr.on("data", (data: Buffer) => {
    said = (said + data).slice(0, 4096);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    objdump.on("error", (cause) => reject(fault("run `objdump`", "it is not installed", cause)));
    objdump.on("close", resolve);
  });
  // Awaited below; without it a program that cannot be started would be an unhandled rejection.
  ended.catch(() => {});
  let instructions = 0;
  let found: ReturnType<typeof forbiddenIn>;
  for await (const line of createInterface({ input: objdump.stdout })) {
    if (line.includes(":\t")) instructions++;
    found ??= forbiddenIn(line);
  }
  const status = await ended;
  if (status !== 0) throw fault("run `objdump`", said.split("\n")[0] || `it ends with ${status}`);
  if (instructions === 0) throw fault("run `objdump`", "it finds no code in the linked enclave");
  if (found === undefined) return;
  const { address, instruction } = found;
  throw fault(
    "check the linked enclave",
    `at 0x${address} it has \`${instruction}\`, which enclaves may not have`,
  );
}

function fault(doing: string, reason: string, cause?: unknown): RuneError {
  const hint = cause === undefined ? {} : { hint: "Debian: apt-get install binutils", cause };
  return new RuneError({ code: "WASM_TOOLCHAIN", doing, reason, ...hint });
}
