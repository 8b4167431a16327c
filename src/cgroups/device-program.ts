// SPDX-License-Identifier: Apache-2.0
/**
 * Rules for devices as an eBPF program: version 2 has no files for them. The kernel runs it for every
 * open and mknod of a device by a process of the cgroup (BPF_PROG_TYPE_CGROUP_DEVICE,
 * kernel/bpf/cgroup.c); 1 allows, 0 is EPERM.
 *
 * The last rule that matches decides, for each of read, write and mknod by itself. So the program asks
 * the rules from the last to the first: an allowing one takes what it allows from what is wanted, and
 * when nothing is left, all was allowed; a denying one ends it when it denies anything still wanted.
 * Version 1 and runc want one rule to allow all of an access; the difference shows only where two
 * rules for a device allow reading and writing apart.
 */
import type { DeviceRule } from "../oci/config-resources.ts";

/** `struct bpf_insn`: code u8@0, destination and source u4@1, offset i16@2, immediate i32@4. */
type Instruction = {
  readonly code: number;
  readonly destination?: number;
  readonly source?: number;
  /** Of a jump: instructions behind the next one. */
  readonly offset?: number;
  readonly immediate?: number;
};

/** Registers: the result, before that a difference; the context; what is taken from it. */
const [result, context, kind, wanted, major, minor] = [0, 1, 2, 3, 4, 5];
/** The context is not needed behind the prologue. */
const scratch = context;

/** linux/bpf_common.h, linux/bpf.h. All arithmetic and comparison is on the lower 32 bits. */
const loadWord = 0x61; // BPF_LDX | BPF_MEM | BPF_W
const and = 0x54; // BPF_ALU | BPF_AND | BPF_K
const orRegister = 0x4c; // BPF_ALU | BPF_OR | BPF_X
const xor = 0xa4; // BPF_ALU | BPF_XOR | BPF_K
const shiftRight = 0x74; // BPF_ALU | BPF_RSH | BPF_K
const move = 0xb4; // BPF_ALU | BPF_MOV | BPF_K
const moveRegister = 0xbc; // BPF_ALU | BPF_MOV | BPF_X
const jumpUnlessEqual = 0x56; // BPF_JMP32 | BPF_JNE | BPF_K
const jumpIfEqual = 0x16; // BPF_JMP32 | BPF_JEQ | BPF_K
const exit = 0x95; // BPF_JMP | BPF_EXIT

/** BPF_DEVCG_DEV_* */
const kinds = { b: 1, c: 2 } as const;
/** BPF_DEVCG_ACC_* */
const accesses = { m: 1, r: 2, w: 4 } as const;
const everyAccess = 7;

/** The program's bytes. What no rule matches is denied. */
export function deviceProgram(rules: readonly DeviceRule[]): Uint8Array {
  const program = [...prologue];
  for (const rule of rules.toReversed()) {
    // For every device, whatever it says of numbers and access; the rules before it are void. The
    // kernel refuses programs with a part that cannot be reached.
    if (isForAll(rule)) return encode([...program, ...answer(rule.allow)]);
    program.push(...block(rule));
  }
  return encode([...program, ...answer(false)]);
}

/** struct bpf_cgroup_dev_ctx: kind u16@0, wanted access u16@2 (one u32 to the verifier), major u32@4, minor u32@8. */
const prologue: readonly Instruction[] = [
  { code: loadWord, destination: kind, source: context, offset: 0 },
  { code: moveRegister, destination: wanted, source: kind },
  { code: and, destination: kind, immediate: 0xffff },
  { code: shiftRight, destination: wanted, immediate: 16 },
  { code: loadWord, destination: major, source: context, offset: 4 },
  { code: loadWord, destination: minor, source: context, offset: 8 },
];

/**
 * One rule; what it does not decide goes on behind it. Its tests are one comparison, of a difference
 * that is forgotten at once: the kernel's verifier follows every branch, and takes two for one where
 * it knows the same of all registers. Comparing each number by a jump of its own made its work, and
 * our wait, grow with the square of the rules, and it refused some hundred of them (E2BIG).
 */
function block(rule: DeviceRule): Instruction[] {
  const mask = accessMask(rule.access);
  const verdict = rule.allow ? allowing(mask) : denying(mask);
  const [first, ...more] = testsOf(rule);
  return [
    ...differenceOf(result, first),
    ...more.flatMap((test) => [
      ...differenceOf(scratch, test),
      { code: orRegister, destination: result, source: scratch },
    ]),
    { code: jumpUnlessEqual, destination: result, immediate: 0, offset: verdict.length },
    ...verdict,
  ];
}

type Test = { readonly register: number; readonly value: number };

/** 0 where the register has the value. */
function differenceOf(destination: number, { register, value }: Test): Instruction[] {
  return [
    { code: moveRegister, destination, source: register },
    { code: xor, destination, immediate: value },
  ];
}

function testsOf(rule: DeviceRule): [Test, ...Test[]] {
  const tests: [Test, ...Test[]] = [
    { register: kind, value: rule.type === "b" ? kinds.b : kinds.c },
  ];
  if (rule.major !== undefined && rule.major >= 0)
    tests.push({ register: major, value: rule.major });
  if (rule.minor !== undefined && rule.minor >= 0)
    tests.push({ register: minor, value: rule.minor });
  return tests;
}

function allowing(mask: number): Instruction[] {
  return [
    { code: and, destination: wanted, immediate: everyAccess & ~mask },
    { code: jumpUnlessEqual, destination: wanted, immediate: 0, offset: 2 },
    ...answer(true),
  ];
}

function denying(mask: number): Instruction[] {
  return [
    { code: moveRegister, destination: result, source: wanted },
    { code: and, destination: result, immediate: mask },
    { code: jumpIfEqual, destination: result, immediate: 0, offset: 2 },
    ...answer(false),
  ];
}

function answer(allow: boolean): Instruction[] {
  return [{ code: move, destination: result, immediate: allow ? 1 : 0 }, { code: exit }];
}

function isForAll({ type = "a" }: DeviceRule): boolean {
  return type === "a";
}

function accessMask(access = "rwm"): number {
  const { m, r, w } = accesses;
  const bit = (letter: string, value: number) => (access.includes(letter) ? value : 0);
  return bit("m", m) | bit("r", r) | bit("w", w);
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(8 * program.length);
  const view = new DataView(bytes.buffer);
  for (const [index, instruction] of program.entries()) {
    const { code, destination = 0, source = 0, offset = 0, immediate = 0 } = instruction;
    view.setUint8(8 * index, code);
    view.setUint8(8 * index + 1, (source << 4) | destination);
    view.setInt16(8 * index + 2, offset, true);
    view.setInt32(8 * index + 4, immediate, true);
  }
  return bytes;
}
