// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { formatCommandHelp, formatProgramHelp } from "./help.ts";
import { defineCommand, type ProgramSpec } from "./option.ts";

const create = defineCommand({
  name: "create",
  path: "rune create",
  summary: "create a container",
  arguments: { usage: "<container-id>", minimum: 1, maximum: 1 },
  options: [
    {
      name: "bundle",
      short: "b",
      kind: "string",
      argument: "path",
      default: ".",
      help: "the bundle",
    },
    { name: "keep", kind: "flag", help: `${"word ".repeat(30)}end` },
    { name: "old", kind: "flag", help: "for engines", hidden: true },
    { name: "env", kind: "list", argument: "name=value", help: "a variable" },
    { name: "log", kind: "string", argument: "kind", choices: ["a", "b"], help: "the log" },
  ],
});
const program: ProgramSpec = {
  ...defineCommand({
    name: "rune",
    path: "rune",
    summary: "starts containers",
    arguments: { usage: "", minimum: 0, maximum: Infinity },
    options: [{ name: "debug", kind: "flag", help: "say more" }],
  }),
  commands: [create, { ...create, name: "secret", hidden: true }],
};

test("a command's help has its usage, options, choices and defaults", () => {
  const text = formatCommandHelp(create, {
    description: "One.\n\nTwo.",
    examples: ["rune create c1"],
  });
  expect(text).toContain("NAME:\n   rune create - create a container\n");
  expect(text).toContain("USAGE:\n   rune create [command options] <container-id>\n");
  expect(text).toContain("DESCRIPTION:\n   One.\n\n   Two.\n");
  expect(text).toContain("--bundle path, -b path  the bundle (default: .)\n");
  expect(text).toContain("a variable; may be repeated\n");
  expect(text).toContain("the log; one of a, b\n");
  expect(text).toContain("--help, -h              show this help\n");
  expect(text).toContain("EXAMPLES:\n   rune create c1\n");
  expect(text).not.toContain("--old");
});

test("no line is wider than 100 columns", () => {
  const lines = formatCommandHelp(create).split("\n");
  expect(lines.filter((line) => line.length > 100)).toEqual([]);
  expect(lines.filter((line) => line.includes("word")).length).toBeGreaterThan(1);
});

test("the program's help lists its commands and leaves hidden ones out", () => {
  const text = formatProgramHelp(program);
  expect(text).toContain("COMMANDS:\n   create  create a container\n");
  expect(text).toContain("GLOBAL OPTIONS:\n   --debug     say more\n");
  expect(text).not.toContain("secret");
});
