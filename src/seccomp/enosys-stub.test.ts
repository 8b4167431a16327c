// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { assemble } from "./bpf.ts";
import { enosysStub, type HighestCall } from "./enosys-stub.ts";
import { judge } from "./testing.ts";

const architectureX86_64 = 0xc000003e;
const architectureX32 = 0x4000003e;
const x86 = 0x40000003;
const arm64 = 0xc00000b7;
const enosys = 0x50026;
const x32Bit = 0x40000000;
/** The stub ends and the profile's own filter begins. */
const onwards = undefined;

const x86_64 = { architecture: architectureX86_64, systemCall: 300 };
const x32 = { architecture: architectureX32, systemCall: x32Bit + 200 };
const ia32 = { architecture: x86, systemCall: 400 };

type Case = [string, HighestCall[], number, number, number | undefined];

const cases: Case[] = [
  ["the highest call itself is the filter's", [x86_64], architectureX86_64, 300, onwards],
  ["the next one is not there", [x86_64], architectureX86_64, 301, enosys],
  ["nor is the last possible one", [x86_64], architectureX86_64, 0x3fffffff, enosys],
  ["x32 without a limit is the filter's", [x86_64], architectureX86_64, x32Bit + 999, onwards],
  ["so is an unlisted architecture", [x86_64], x86, 999, onwards],
  ["x32 has a limit of its own", [x86_64, x32], architectureX86_64, x32Bit + 200, onwards],
  ["and beyond it nothing", [x86_64, x32], architectureX86_64, x32Bit + 201, enosys],
  ["x86-64 keeps its own beside x32", [x86_64, x32], architectureX86_64, 301, enosys],
  ["also below x32's", [x86_64, x32], architectureX86_64, 250, onwards],
  ["x32 alone leaves x86-64 alone", [x32], architectureX86_64, 999, onwards],
  ["x32 alone is limited", [x32], architectureX86_64, x32Bit + 201, enosys],
  ["the second section is reached", [ia32, x86_64, x32], x86, 401, enosys],
  ["and left", [ia32, x86_64, x32], x86, 400, onwards],
  ["the first one still works", [ia32, x86_64, x32], architectureX86_64, 301, enosys],
  ["no section is another's", [ia32, x86_64, x32], arm64, 999, onwards],
];

test.each(cases)("%s", (_, highest, architecture, systemCall, expected) => {
  expect(judge(assemble(enosysStub(highest)), { architecture, systemCall })).toBe(expected);
});

test("what the filter does with a call of the stub does not depend on the accumulator", () => {
  const filter = [{ code: 0x20, jt: 0, jf: 0, k: 0 }, ...returnIfZero];
  const program = assemble([...enosysStub([x86_64, ia32]), ...filter]);
  expect(judge(program, { architecture: x86, systemCall: 0 })).toBe(7);
  expect(judge(program, { architecture: architectureX86_64, systemCall: 0 })).toBe(7);
});

test("nothing named, nothing done", () => {
  expect(enosysStub([])).toEqual([]);
});

/** jeq #0: ret 7; ret 8 */
const returnIfZero = [
  { code: 0x15, jt: 0, jf: 1, k: 0 },
  { code: 0x06, jt: 0, jf: 0, k: 7 },
  { code: 0x06, jt: 0, jf: 0, k: 8 },
];
