// SPDX-License-Identifier: Apache-2.0
/** `--help` from the option table. Loaded only when somebody asks. */
import type { CommandSpec, OptionSpec, ProgramSpec } from "./option.ts";

/** Text of one command that the table has no place for: it is long, and only help needs it. */
export type CommandProse = { readonly description?: string; readonly examples?: readonly string[] };

const widthColumns = 100;
const indent = "   ";

export function formatProgramHelp(program: ProgramSpec, prose: CommandProse = {}): string {
  const commands = program.commands.filter((command) => command.hidden !== true);
  return joinSections([
    section("NAME", [`${program.name} - ${program.summary}`]),
    section("USAGE", [`${program.path} [global options] command [command options] [arguments...]`]),
    section("DESCRIPTION", paragraphs(prose.description)),
    section("COMMANDS", columns(commands.map(({ name, summary }) => [name, summary]))),
    section("GLOBAL OPTIONS", optionLines(program.options)),
    section("EXAMPLES", prose.examples ?? []),
  ]);
}

export function formatCommandHelp(command: CommandSpec, prose: CommandProse = {}): string {
  const usage = [command.path, "[command options]", command.arguments.usage];
  return joinSections([
    section("NAME", [`${command.path} - ${command.summary}`]),
    section("USAGE", [usage.filter((word) => word !== "").join(" ")]),
    section("DESCRIPTION", paragraphs(prose.description)),
    section("OPTIONS", optionLines(command.options)),
    section("EXAMPLES", prose.examples ?? []),
  ]);
}

/** `--bundle path, -b path`: how an option is written, for help and for the reference page. */
export function optionSyntax(option: OptionSpec): string {
  const value = option.kind === "flag" ? "" : ` ${option.argument}`;
  const short = option.short === undefined ? "" : `, -${option.short}${value}`;
  return `--${option.name}${value}${short}`;
}

/** The option's line of help with its choices, default and whether it repeats. */
export function optionMeaning(option: OptionSpec): string {
  let text = option.help;
  if (option.kind === "list") text += "; may be repeated";
  if (option.kind === "string" && option.choices !== undefined) {
    text += `; one of ${option.choices.join(", ")}`;
  }
  const preset = option.kind === "string" || option.kind === "integer" ? option.default : undefined;
  return preset === undefined ? text : `${text} (default: ${preset})`;
}

function optionLines(options: readonly OptionSpec[]): string[] {
  const shown = options.filter((option) => option.hidden !== true);
  const rows = shown.map((option): [string, string] => [
    optionSyntax(option),
    optionMeaning(option),
  ]);
  return columns([...rows, ["--help, -h", "show this help"]]);
}

/** Two columns; a long right-hand text continues under itself. */
function columns(rows: readonly (readonly [string, string])[]): string[] {
  const left = Math.max(0, ...rows.map(([name]) => name.length)) + 2;
  return rows.flatMap(([name, text]) => {
    const lines = wrap(text, widthColumns - left - indent.length);
    return lines.map((line, row) => `${(row === 0 ? name : "").padEnd(left)}${line}`);
  });
}

function paragraphs(text: string | undefined): string[] {
  if (text === undefined) return [];
  const wrapped = text.split("\n\n").map((one) => wrap(one, widthColumns - indent.length));
  return wrapped.flatMap((lines, index) => (index === 0 ? lines : ["", ...lines]));
}

/** Breaks a text at spaces; a longer word gets a line of its own. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

function section(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return "";
  return `${title}:\n${lines.map((line) => (line === "" ? "" : indent + line)).join("\n")}\n`;
}

function joinSections(sections: readonly string[]): string {
  return sections.filter((text) => text !== "").join("\n");
}
