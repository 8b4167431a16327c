// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { forbiddenIn } from "./machine-code.ts";

test.each([
  ["cpuid", "cpuid"],
  ["rdtscp", "rdtscp"],
  ["syscall", "syscall"],
  ["int    $0x80", "int"],
  ["int3", "int3"],
  ["in     (%dx),%al", "in"],
  ["rep outsl %ds:(%rsi),(%dx)", "outsl"],
  ["rex.W lret", "lret"],
  ["lcall  *(%rax)", "lcall"],
  ["sysretq", "sysretq"],
  ["sgdt   (%rax)", "sgdt"],
  ["mov    %eax,%fs", "mov    %eax,%fs"],
  ["pop    %gs", "pop    %gs"],
  ["(bad)", "(bad)"],
])("%s is found", (text, instruction) => {
  expect(forbiddenIn(`    1a2b:\t${text}`)).toEqual({ address: "1a2b", instruction });
});

test.each([
  "enclu",
  "ud2",
  "inc    %eax",
  "insertps $0x10,%xmm1,%xmm0",
  "mov    %fs:0x10,%rax",
  "mov    %fs,%eax",
  "rep stos %al,%es:(%rdi)",
  "lea    (%rsp,%rsi),%rdi",
  "ret",
  "xrstor 0x1234(%rip)        # 5678",
  "rdrand %rax",
])("%s is none", (text) => {
  expect(forbiddenIn(`    1a2b:\t${text}`)).toBeUndefined();
});

test("lines that are no instructions are none", () => {
  for (const line of ["", "app.elf:     file format elf64-x86-64", "0000000000001000 <in>:"])
    expect(forbiddenIn(line)).toBeUndefined();
});
