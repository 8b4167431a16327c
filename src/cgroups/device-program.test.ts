// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import type { DeviceRule } from "../oci/config-resources.ts";
import { deviceProgram } from "./device-program.ts";
import { allDeviceRules } from "./devices.ts";

/** BPF_DEVCG_*, linux/bpf.h. */
const letters = [
  ["m", 1],
  ["r", 2],
  ["w", 4],
] as const;

type Access = {
  readonly type: "b" | "c";
  readonly major: number;
  readonly minor: number;
  /** Bits of BPF_DEVCG_ACC_*. */
  readonly wanted: number;
};

const ruleLists: [string, DeviceRule[]][] = [
  ["no rule at all", []],
  ["what every container has", allDeviceRules([])],
  ["everything", allDeviceRules([{ allow: true }])],
  ["everything, then nothing", [{ allow: true }, { allow: false, type: "a" }]],
  [
    "an `a` with numbers and access means everything all the same",
    [
      { allow: true, type: "c", major: 5, minor: 1 },
      { allow: false, type: "a", major: 1, minor: 1, access: "r" },
      { allow: true, type: "b", major: 8 },
    ],
  ],
  [
    "reading and writing allowed by two rules",
    [
      { allow: true, type: "c", major: 1, minor: 3, access: "r" },
      { allow: true, type: "c", major: 1, minor: 3, access: "w" },
    ],
  ],
  [
    "a hole in a wildcard",
    [
      { allow: true, type: "c" },
      { allow: false, type: "c", major: 5 },
      { allow: true, type: "c", major: 5, minor: 1, access: "r" },
    ],
  ],
  [
    "writing taken back",
    [{ allow: true }, { allow: false, type: "b", major: 8, minor: -1, access: "w" }],
  ],
  [
    "negative numbers as wildcards",
    [
      { allow: true, type: "b", major: -1, minor: 1, access: "rm" },
      { allow: true, type: "c", major: 1, minor: -1 },
    ],
  ],
  [
    "the largest numbers",
    [
      { allow: true, type: "c", major: 0xfff, minor: 0xfffff },
      { allow: true, type: "b", minor: 0 },
    ],
  ],
];

test.each(ruleLists)("%s", (_, rules) => {
  const program = deviceProgram(rules);
  for (const access of accesses()) {
    const verdict = { access, allowed: run(program, access) };
    expect(verdict).toEqual({ access, allowed: judge(rules, access) });
  }
});

test("nothing behind a rule for everything is left in the program", () => {
  const before = Array.from({ length: 50 }, () => ({ allow: true, type: "c", major: 9 }) as const);
  const denied = deviceProgram([...before, { allow: false }]);
  expect(denied).toEqual(deviceProgram([]));
});

/** The rules in words: for each kind of access by itself, the last one that matches. */
function judge(rules: readonly DeviceRule[], { type, major, minor, wanted }: Access): boolean {
  return letters
    .filter(([, bit]) => (wanted & bit) !== 0)
    .every(([letter]) => {
      const last = rules.findLast((rule) => {
        if (rule.type === undefined || rule.type === "a") return true;
        const isSame = (rule_: number | undefined, own: number) =>
          rule_ === undefined || rule_ === -1 || rule_ === own;
        const numbers = isSame(rule.major, major) && isSame(rule.minor, minor);
        return rule.type === type && numbers && (rule.access ?? "rwm").includes(letter);
      });
      return last?.allow === true;
    });
}

function accesses(): Access[] {
  const numbers = [0, 1, 3, 5, 8, 136, 0xfff, 0xfffff];
  return (["b", "c"] as const).flatMap((type) =>
    numbers.flatMap((major) =>
      numbers.flatMap((minor) => [1, 2, 4, 6, 7].map((wanted) => ({ type, major, minor, wanted }))),
    ),
  );
}

/** Interprets the few instructions such programs consist of (kernel/bpf/core.c); others throw. */
function run(program: Uint8Array, { type, major, minor, wanted }: Access): boolean {
  const context = new DataView(new ArrayBuffer(12));
  context.setUint32(0, (wanted << 16) | (type === "b" ? 1 : 2), true);
  context.setUint32(4, major, true);
  context.setUint32(8, minor, true);
  const view = new DataView(program.buffer, program.byteOffset, program.length);
  const registers = new Uint32Array(11);
  for (let at = 0; at < program.length / 8; at++) {
    const code = view.getUint8(8 * at);
    const [target, source] = [view.getUint8(8 * at + 1) & 15, view.getUint8(8 * at + 1) >> 4];
    const offset = view.getInt16(8 * at + 2, true);
    const immediate = view.getInt32(8 * at + 4, true);
    const value = registers[target] ?? 0;
    switch (code) {
      case 0x61: // load a word
        if (source !== 1) throw new Error(`load through register ${source}`);
        registers[target] = context.getUint32(offset, true);
        break;
      case 0x54: // and
        registers[target] = value & immediate;
        break;
      case 0x4c: // or
        registers[target] = value | (registers[source] ?? 0);
        break;
      case 0xa4: // exclusive or
        registers[target] = value ^ immediate;
        break;
      case 0x74: // shift right
        registers[target] = value >>> immediate;
        break;
      case 0xb4: // move a constant
        registers[target] = immediate;
        break;
      case 0xbc: // move a register
        registers[target] = registers[source] ?? 0;
        break;
      case 0x56: // jump unless equal
        if (value !== immediate >>> 0) at += offset;
        break;
      case 0x16: // jump if equal
        if (value === immediate >>> 0) at += offset;
        break;
      case 0x95: // exit
        return registers[0] === 1;
      default:
        throw new Error(`instruction 0x${code.toString(16)} at ${at}`);
    }
  }
  throw new Error("the program ends without an answer");
}
