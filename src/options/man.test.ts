// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { manualPages } from "./man.ts";
import { defineCommand } from "./option.ts";

const one = { usage: "<thing-id>", minimum: 1, maximum: 1 };
const make = defineCommand({
  name: "make",
  path: "tool make",
  summary: "make a thing",
  arguments: one,
  options: [
    {
      name: "pid-file",
      short: "p",
      kind: "string",
      argument: "path",
      help: "file's name, `-` for none",
    },
    { name: "secret", kind: "flag", hidden: true, help: "not shown" },
  ],
});
const drop = defineCommand({
  ...make,
  name: "drop",
  path: "tool drop",
  summary: "drop it",
  options: [],
});
const program = {
  ...defineCommand({ ...make, name: "tool", path: "tool", summary: "makes things", options: [] }),
  commands: [make, drop, { ...drop, name: "inner", path: "tool inner", hidden: true }],
};
const prose = {
  make: {
    description: `Makes it; see \`tool drop\`.\n\n${"long words ".repeat(20)}.`,
    examples: [".hidden --pid-file=a\\b 'x'"],
  },
};

function page(name: string): string {
  const pages = manualPages({ program, prose, version: "1.2", date: "2026-01-02" });
  expect(pages.map(({ file }) => file)).toEqual(["tool.8", "tool-make.8", "tool-drop.8"]);
  return pages.find(({ file }) => file === name)?.text ?? "";
}

test("a verb's page", () => {
  const text = page("tool-make.8");
  expect([...(text.match(/^\.SH .*/gm) ?? [])]).toEqual(
    ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "SEE ALSO"].map(
      (name) => `.SH ${name}`,
    ),
  );
  expect(text).toStartWith('.TH TOOL-MAKE 8 "2026-01-02" "tool 1.2"');
  expect(text).toContain("tool\\-make \\- make a thing\n");
  expect(text).toContain("\\fBtool make\\fR [\\fIoption\\fR ...] \\fIthing\\-id\\fR\n");
  expect(text).toContain("\\fB\\-\\-pid\\-file\\fR \\fIpath\\fR, \\fB\\-p\\fR \\fIpath\\fR\n");
  expect(text).toContain("File\\(aqs name, \\fB\\-\\fR for none.\n");
  expect(text).not.toContain("secret");
  expect(text).toContain(".BR tool (8),\n.BR tool\\-drop (8)\n");
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});

test("examples are typed as they are shown", () => {
  expect(page("tool-make.8")).toContain(".EX\n\\&.hidden \\-\\-pid-file=a\\eb \\(aqx\\(aq\n.EE\n");
});

test("the program's page has the verbs", () => {
  const text = page("tool.8");
  expect(text).toContain(".TP\n.BR tool\\-make (8)\nMake a thing.\n");
  expect(text).not.toContain("inner");
});
