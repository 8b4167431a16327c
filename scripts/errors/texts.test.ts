// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { textsOf } from "./texts.ts";

test("strings, templates, choices and hints", () => {
  const source = `
    throw new RuneError({
      code: "USAGE", // a comment, with a comma
      doing: \`read \\\`\${path}\\\`\`,
      reason: long ? "too long" : \`has \${size(a, "}")} bytes\`,
      hint: "write " + "less",
    });`;
  expect(textsOf(source)).toEqual([
    { code: "USAGE", text: "read `…`: too long", hint: "write less" },
    { code: "USAGE", text: "read `…`: has … bytes", hint: "write less" },
  ]);
});

test("a function that makes errors is looked through, into its calls", () => {
  const source = `
function load() {
  throw broken("it is empty");
}
function broken(reason: string): RuneError {
  return new RuneError({ code: "SGX_FORMAT", doing: "read a quote", reason });
}`;
  expect(textsOf(source)).toEqual([
    { code: "SGX_FORMAT", text: "read a quote: it is empty", hint: undefined },
  ]);
});

test("what is only known when it happens is left open", () => {
  const source = `throw new RuneError({ code: early ? "CGROUP" : "SYSCALL", doing, reason: text(errno) });`;
  expect(textsOf(source).map(({ code, text }) => [code, text])).toEqual([
    ["CGROUP", "…: …"],
    ["SYSCALL", "…: …"],
  ]);
});

test("what is exported is looked through into other files; the code may be an argument", () => {
  const maker = `
export function refuse(code: Code, what: string): RuneError {
  return new RuneError({ code, doing: \`check \${what}\`, reason: "no" });
}`;
  const user = `import { refuse } from "./refuse.ts";\nthrow refuse("ATTEST_TIME", "the list");`;
  const stranger = `throw refuse("SYSCALL", "nothing of it");`;
  expect(textsOf(maker, [user, stranger])).toEqual([
    { code: "ATTEST_TIME", text: "check the list: no", hint: undefined },
  ]);
});
