// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { libseccomp } from "../kernel/libseccomp.ts";
import { linux } from "../kernel/linux.ts";
import type { Seccomp } from "../oci/config-linux.ts";
import { compile } from "./compile.ts";
import { toRules } from "./rules.ts";
import { FakeLibrary, judge } from "./testing.ts";

const x86_64 = 0xc000003e;
const allow = 0x7fff0000;
const errno = 0x50001;
const enosys = 0x50026;

const reading: Seccomp = {
  defaultAction: "SCMP_ACT_ERRNO",
  architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
  syscalls: [{ names: ["read", "no_such_call", "getrandom"], action: "SCMP_ACT_ALLOW" }],
};

test("rules reach libseccomp in order; unknown calls do not", () => {
  const library = new FakeLibrary();
  compile(library, toRules(reading));
  expect(library.recorded).toEqual([
    { did: "init", action: errno },
    { did: "architecture", architecture: x86_64 },
    { did: "architecture", architecture: 0x40000003 },
    { did: "rule", action: allow, systemCall: 0, tests: [] },
    { did: "rule", action: allow, systemCall: 318, tests: [] },
    { did: "export" },
    { did: "dispose" },
  ]);
});

test("a call only other architectures have is still a rule", () => {
  const library = new FakeLibrary();
  compile(library, toRules({ ...reading, syscalls: [rule(["socketcall"])] }));
  expect(library.recorded).toContainEqual({
    did: "rule",
    action: allow,
    systemCall: -101,
    tests: [],
  });
});

test("a rule that says what holds anyway is left out, but its names count as known", () => {
  const library = new FakeLibrary();
  const repeats = { names: ["openat2"], action: "SCMP_ACT_ERRNO" } as const;
  const program = compile(library, toRules({ ...reading, syscalls: [rule(["read"]), repeats] }));
  expect(library.recorded.filter(({ did }) => did === "rule")).toHaveLength(1);
  expect(judge(program, { architecture: x86_64, systemCall: 437 })).toBe(FakeLibrary.marker);
  expect(judge(program, { architecture: x86_64, systemCall: 438 })).toBe(enosys);
});

test("the stub precedes the filter", () => {
  const program = compile(new FakeLibrary(), toRules(reading));
  expect(judge(program, { architecture: x86_64, systemCall: 318 })).toBe(FakeLibrary.marker);
  expect(judge(program, { architecture: x86_64, systemCall: 319 })).toBe(enosys);
  expect(judge(program, { architecture: 0x40000003, systemCall: 319 })).toBe(FakeLibrary.marker);
});

test("this machine's architecture gets its stub unasked", () => {
  const { architectures: _, ...unnamed } = reading;
  const program = compile(new FakeLibrary(), toRules(unnamed));
  expect(judge(program, { architecture: x86_64, systemCall: 319 })).toBe(enosys);
});

test.each([
  ["SCMP_ACT_ALLOW", undefined],
  ["SCMP_ACT_LOG", undefined],
  ["SCMP_ACT_TRACE", 5],
  ["SCMP_ACT_ERRNO", 38],
] as const)("with %s %p as the default there is no stub", (defaultAction, defaultErrnoRet) => {
  const numbers = defaultErrnoRet === undefined ? {} : { defaultErrnoRet };
  const profile = { ...reading, defaultAction, ...numbers };
  expect(compile(new FakeLibrary(), toRules(profile))).toHaveLength(8);
});

test("a tree is asked for from 33 rules on", () => {
  const treed = (count: number) => {
    const library = new FakeLibrary();
    const syscalls = Array.from({ length: count }, () => rule(["read"]));
    compile(library, toRules({ ...reading, syscalls }));
    return library.recorded.some(({ did }) => did === "tree");
  };
  expect([treed(32), treed(33)]).toEqual([false, true]);
});

test("what libseccomp refuses is told with the call's name, and the filter is released", () => {
  const library = new FakeLibrary();
  library.refusal = "file exists";
  expect(() => compile(library, toRules(reading))).toThrow(
    "system call `read`: add a rule: file exists",
  );
  expect(library.recorded.at(-1)).toEqual({ did: "dispose" });
});

test("a filter the kernel would refuse is refused", () => {
  const library = new FakeLibrary();
  const open = toRules({ defaultAction: "SCMP_ACT_ALLOW" });
  library.programSize = 4096;
  expect(compile(library, open)).toHaveLength(32768);
  library.programSize = 4097;
  expect(() => compile(library, open)).toThrow("it needs 4097 instructions; the kernel takes 4096");
  library.programSize = 0;
  expect(() => compile(library, open)).toThrow("libseccomp made no filter");
});

test("more rules than anything needs are refused before they take their time", () => {
  const library = new FakeLibrary();
  const names = Array.from({ length: 16385 }, () => "read");
  expect(() => compile(library, toRules({ ...reading, syscalls: [rule(names)] }))).toThrow(
    "more than 16384 rules",
  );
});

const [real, whyNot] = findLibrary();

test.skipIf(real === undefined)(
  `the real libseccomp's filters judge as the profile says${whyNot}`,
  () => {
    if (real === undefined) return;
    const masked = { index: 0, value: 0xf0n, valueTwo: 0x30n, op: "SCMP_CMP_MASKED_EQ" } as const;
    const big = { index: 1, value: 0x1_0000_0000n, op: "SCMP_CMP_GE" } as const;
    const either = [1n, 2n].map((value) => ({ index: 0, value, op: "SCMP_CMP_EQ" }) as const);
    const program = compile(
      real,
      toRules({
        ...reading,
        syscalls: [
          rule(["read"]),
          { names: ["write"], action: "SCMP_ACT_TRAP", args: [masked, big] },
          { names: ["socket"], action: "SCMP_ACT_KILL_PROCESS", args: either },
          { names: ["getrandom"], action: "SCMP_ACT_ERRNO", errnoRet: 4094 },
        ],
      }),
    );
    const verdict = (systemCall: number, ...args: bigint[]) =>
      judge(program, { architecture: x86_64, systemCall, args });
    expect(verdict(0)).toBe(allow);
    expect(verdict(1, 0x3fn, 0x1_0000_0000n)).toBe(0x30000);
    expect(verdict(1, 0x3fn, 0xffff_ffffn)).toBe(errno);
    expect(verdict(1, 0x4fn, 0x1_0000_0000n)).toBe(errno);
    expect(verdict(41, 1n)).toBe(0x80000000);
    expect(verdict(41, 2n)).toBe(0x80000000);
    expect(verdict(41, 3n)).toBe(errno);
    expect(verdict(318)).toBe(0x50ffe);
    expect(verdict(319)).toBe(enosys);
    expect(judge(program, { architecture: 0x40000003, systemCall: 3 })).toBe(allow);
    expect(judge(program, { architecture: 0xc00000b7, systemCall: 0 })).toBe(0);
  },
);

test.skipIf(real === undefined)(`names that are no names do no harm${whyNot}`, () => {
  if (real === undefined) return;
  const names = ["", "x".repeat(100_000), "ré", "read\u0000write", "-1"];
  const bare = compile(real, toRules({ ...reading, syscalls: [] }));
  expect(compile(real, toRules({ ...reading, syscalls: [rule(names)] }))).toEqual(bare);
});

function rule(names: readonly string[]) {
  return { names, action: "SCMP_ACT_ALLOW" } as const;
}

function findLibrary() {
  const library = libseccomp(linux);
  try {
    library.version();
    return [library, ""] as const;
  } catch {
    return [undefined, " (skipped: libseccomp2 is not installed)"] as const;
  }
}
