// SPDX-License-Identifier: Apache-2.0
/** Manual pages of section 8 from the option table, in man(7): a page for the program and one a verb. */
import { type CommandProse, optionMeaning } from "./help.ts";
import type { CommandSpec, OptionSpec, ProgramSpec } from "./option.ts";

export type ManualPage = {
  /** "rune-create.8" */
  readonly file: string;
  readonly text: string;
};

export type ManualInput = {
  readonly program: ProgramSpec;
  /** By the command's name. */
  readonly prose: Readonly<Record<string, CommandProse>>;
  /** Of the pages' foot: "0.1.0". */
  readonly version: string;
  /** ISO 8601: "2026-11-28". */
  readonly date: string;
};

/** mandoc(1) calls longer lines of input bad style. */
const widthColumns = 78;

export function manualPages(input: ManualInput): ManualPage[] {
  const { program } = input;
  const commands = visible(program.commands);
  return [programPage(input, commands), ...commands.map((command) => commandPage(input, command))];
}

/** The page of a program without commands. */
export function singlePage(
  command: CommandSpec,
  prose: CommandProse,
  foot: Pick<ManualInput, "version" | "date">,
): ManualPage {
  const input = { ...foot, program: { ...command, commands: [] }, prose: {} };
  return page(input, command, [
    ...synopsis(command, "option", ""),
    ...description(prose),
    ".SH OPTIONS",
    ...options(command),
    ...examples(prose),
  ]);
}

function programPage(input: ManualInput, commands: readonly CommandSpec[]): ManualPage {
  const { program, prose } = input;
  return page(input, program, [
    ...synopsis(program, "global\\~option", "\\fIcommand\\fR [\\fIargument\\fR ...]"),
    ...description(prose[program.name]),
    ".SH COMMANDS",
    ...commands.flatMap((command) => [
      ".TP",
      reference(command),
      ...wrapped(sentence(command.summary)),
    ]),
    ".SH GLOBAL OPTIONS",
    ...options(program),
    ...examples(prose[program.name]),
    ...seeAlso(commands),
  ]);
}

function commandPage(input: ManualInput, command: CommandSpec): ManualPage {
  const { program, prose } = input;
  const usage = command.arguments.usage.replaceAll(/<([^>]*)>/g, (_, name) => `\\fI${name}\\fR`);
  const related = visible(program.commands).filter(
    ({ name }) => name !== command.name && mentions(prose[command.name], program, name),
  );
  return page(input, command, [
    ...synopsis(command, "option", usage.replaceAll("-", "\\-")),
    ...description(prose[command.name] ?? { description: sentence(command.summary) }),
    ".SH OPTIONS",
    ...options(command),
    ...examples(prose[command.name]),
    ...seeAlso([program, ...related]),
  ]);
}

function page({ version, date, program }: ManualInput, of: CommandSpec, lines: string[]) {
  const name = pageName(of);
  const head = [
    `.TH ${name.toUpperCase()} 8 "${date}" "${program.name} ${version}" "System Manager's Manual"`,
    ".SH NAME",
    `${name.replaceAll("-", "\\-")} \\- ${typed(of.summary)}`,
  ];
  return { file: `${name}.8`, text: `${[...head, ...lines].join("\n")}\n` };
}

function synopsis({ path }: CommandSpec, option: string, usage: string): string[] {
  return [
    ".SH SYNOPSIS",
    `\\fB${path.replaceAll("-", "\\-")}\\fR [\\fI${option}\\fR ...] ${usage}`.trimEnd(),
  ];
}

function description({ description: text }: CommandProse = {}): string[] {
  if (text === undefined) return [];
  const paragraphs = text.split("\n\n").map((one) => wrapped(one));
  return [
    ".SH DESCRIPTION",
    ...paragraphs.flatMap((lines, n) => (n === 0 ? lines : [".PP", ...lines])),
  ];
}

function options({ options: all }: CommandSpec): string[] {
  return [
    ...visible(all).flatMap((option) => [
      ".TP",
      optionTag(option),
      ...wrapped(sentence(optionMeaning(option))),
    ]),
    ".TP",
    "\\fB\\-\\-help\\fR, \\fB\\-h\\fR",
    "Show a short help.",
  ];
}

function optionTag(option: OptionSpec): string {
  const names = [`--${option.name}`, ...(option.short === undefined ? [] : [`-${option.short}`])];
  const value = option.kind === "flag" ? "" : ` \\fI${typed(option.argument)}\\fR`;
  return names.map((name) => `\\fB${name.replaceAll("-", "\\-")}\\fR${value}`).join(", ");
}

function examples({ examples: lines = [] }: CommandProse = {}): string[] {
  if (lines.length === 0) return [];
  return [".SH EXAMPLES", ".EX", ...lines.map((line) => atStart(typed(line))), ".EE"];
}

function seeAlso(commands: readonly CommandSpec[]): string[] {
  const names = commands.map(reference).sort();
  return [".SH SEE ALSO", ...names.map((name, n) => (n < names.length - 1 ? `${name},` : name))];
}

function reference(command: CommandSpec): string {
  return `.BR ${pageName(command).replaceAll("-", "\\-")} (8)`;
}

function pageName({ path }: CommandSpec): string {
  return path.replaceAll(" ", "-");
}

/** Whether the text of a command speaks of another: "`rune delete`". */
function mentions(text: CommandProse | undefined, { name }: ProgramSpec, verb: string): boolean {
  return text?.description?.includes(`\`${name} ${verb}\``) === true;
}

/** From a line of help, which is one of a list, to a sentence. */
function sentence(text: string): string {
  const end = /[.)]$/.test(text) && !text.endsWith(")") ? "" : ".";
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${end}`;
}

/** Filled text; what stands in back-quotes becomes bold. */
function wrapped(text: string): string[] {
  const marked = text
    .split("`")
    .map((part, n) => (n % 2 === 0 ? typed(part) : `\\fB${typed(part)}\\fR`))
    .join("");
  const lines: string[] = [];
  let line = "";
  for (const word of marked.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > widthColumns) {
      lines.push(atStart(line));
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, atStart(line)];
}

/** A hyphen that is typed, not one of prose, has to stay ASCII in every output: man(7), "\-". */
function typed(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll(/(?<![A-Za-z])-|-(?=-)/g, "\\-")
    .replaceAll("'", "\\(aq");
}

/** A full stop there would begin a request. */
function atStart(line: string): string {
  return line.startsWith(".") ? `\\&${line}` : line;
}

function visible<T extends { readonly hidden?: boolean }>(items: readonly T[]): T[] {
  return items.filter(({ hidden }) => hidden !== true);
}
