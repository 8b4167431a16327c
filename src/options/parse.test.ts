// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { RuneError } from "../errors/error.ts";
import { defineCommand } from "./option.ts";
import { parseCommand } from "./parse.ts";

const exec = defineCommand({
  name: "exec",
  path: "rune exec",
  summary: "run a program",
  arguments: {
    usage: "<container-id> [command...]",
    minimum: 1,
    maximum: Infinity,
    ofProgram: true,
  },
  options: [
    { name: "tty", short: "t", kind: "flag", help: "terminal" },
    { name: "bundle", short: "b", kind: "string", argument: "path", help: "bundle" },
    {
      name: "format",
      kind: "string",
      argument: "f",
      default: "table",
      choices: ["table", "json"],
      help: "f",
    },
    {
      name: "fds",
      kind: "integer",
      argument: "n",
      default: 0,
      minimum: 0,
      maximum: 100,
      help: "n",
    },
    { name: "env", short: "e", kind: "list", argument: "x", help: "e" },
  ],
});

function parse(...words: string[]) {
  const parsed = parseCommand(exec, words);
  if (parsed.help) throw new Error("help was not asked for");
  return parsed;
}

function refusal(...words: string[]): string {
  try {
    parseCommand(exec, words);
  } catch (error) {
    if (error instanceof RuneError && error.code === "USAGE") return error.message;
    throw error;
  }
  throw new Error("was accepted");
}

test("every spelling of an option gives the same value", () => {
  for (const words of [
    ["--bundle", "x"],
    ["--bundle=x"],
    ["-bundle", "x"],
    ["-b", "x"],
    ["-b=x"],
    ["--b", "x"],
  ]) {
    expect(parse(...words, "c1").values.bundle).toBe("x");
  }
});

test("an option not given has its default", () => {
  expect(parse("c1").values).toEqual({
    tty: false,
    bundle: undefined,
    format: "table",
    fds: 0,
    env: [],
  });
});

test("flags take true and false in Go's spellings, and no separate word", () => {
  expect(parse("-t", "false").values.tty).toBe(true);
  expect(parse("-t", "false").positionals).toEqual(["false"]);
  for (const word of ["1", "t", "T", "true", "TRUE", "True"]) {
    expect(parse(`--tty=${word}`, "c").values.tty).toBe(true);
  }
  for (const word of ["0", "f", "F", "false", "FALSE", "False"]) {
    expect(parse("--tty", `-t=${word}`, "c").values.tty).toBe(false);
  }
  expect(refusal("--tty=yes", "c")).toContain("`--tty=yes`: expected true or false");
});

test("parsing stops at the first argument", () => {
  const { values, positionals } = parse("-t", "c1", "ls", "--all", "-e", "--", "-b");
  expect(positionals).toEqual(["c1", "ls", "--all", "-e", "--", "-b"]);
  expect(values).toMatchObject({ tty: true, bundle: undefined, env: [] });
});

test("two dashes end the options, one dash is an argument", () => {
  expect(parse("--", "-b", "x").positionals).toEqual(["-b", "x"]);
  expect(parse("-", "-t").positionals).toEqual(["-", "-t"]);
});

test("the last of several wins, lists keep all", () => {
  const { values } = parse("-b", "1", "--bundle=2", "-e", "A=1", "--env", "B=2", "-e=C=3", "c");
  expect(values.bundle).toBe("2");
  expect(values.env).toEqual(["A=1", "B=2", "C=3"]);
});

test("a value may be empty or begin with a dash", () => {
  expect(parse("--bundle=", "c").values.bundle).toBe("");
  expect(parse("-b", "--tty", "c").values).toMatchObject({ bundle: "--tty", tty: false });
});

test("integers are decimal and within their range", () => {
  expect(parse("--fds", "3", "c").values.fds).toBe(3);
  for (const bad of [
    "",
    "x",
    "1.5",
    "-1",
    "101",
    "010",
    "0x3",
    "1e1",
    " 1",
    "99999999999999999999",
  ]) {
    expect(refusal("--fds", bad, "c")).toContain(
      `expected an integer from 0 to 100, got \`${bad}\``,
    );
  }
});

test("a value outside the choices is refused", () => {
  expect(refusal("--format", "xml", "c")).toContain("expected one of table, json, got `xml`");
});

test("unknown, malformed and unfinished flags are named", () => {
  expect(refusal("--frob", "c")).toBe("rune exec: unknown flag `--frob`");
  expect(refusal("--frob=1", "c")).toContain("unknown flag `--frob=1`");
  expect(refusal("-te", "c")).toContain("unknown flag `-te`");
  expect(refusal("---tty", "c")).toContain("malformed flag `---tty`");
  expect(refusal("-=x", "c")).toContain("malformed flag `-=x`");
  expect(refusal("--bundle")).toContain("flag `--bundle` needs a value");
  expect(refusal("--__proto__", "c")).toContain("unknown flag");
});

test("the number of arguments is checked", () => {
  expect(refusal()).toContain(
    "expected at least 1 argument (`<container-id> [command...]`), got 0",
  );
  const exactly = { ...exec, arguments: { usage: "<id>", minimum: 1, maximum: 1 } };
  expect(() => parseCommand(exactly, ["a", "b"])).toThrow(
    "expected exactly 1 argument (`<id>`), got 2",
  );
  const none = { ...exec, arguments: { usage: "", minimum: 0, maximum: 0 } };
  expect(() => parseCommand(none, ["a"])).toThrow("expected no arguments, got 1");
  const some = { ...exec, arguments: { usage: "<id> [s]", minimum: 1, maximum: 2 } };
  expect(() => parseCommand(some, [])).toThrow("expected 1 to 2 arguments");
});

test("help is found on a line that is otherwise incomplete, but not among arguments", () => {
  for (const word of ["-h", "--help", "-help"]) {
    expect(parseCommand(exec, ["-t", word])).toEqual({ help: true });
  }
  expect(parse("c1", "ls", "--help").positionals).toEqual(["c1", "ls", "--help"]);
});

test("options may stand behind arguments that are no program's", () => {
  const command = { ...exec, arguments: { usage: "<id> [more]", minimum: 1, maximum: 3 } } as const;
  const parsed = parseCommand(command, ["c1", "--fds", "7", "-", "-t", "--", "--env"]);
  expect(parsed).toMatchObject({
    values: { fds: 7, tty: true },
    positionals: ["c1", "-", "--env"],
  });
  expect(parseCommand(command, ["c1", "--help"])).toEqual({ help: true });
  expect(() => parseCommand(command, ["c1", "-9"])).toThrow("unknown flag `-9`");
  expect(() => parseCommand(command, ["c1", "--fds"])).toThrow("needs a value");
});
