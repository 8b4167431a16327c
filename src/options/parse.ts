// SPDX-License-Identifier: Apache-2.0
/**
 * Parses a command line by its table, by the rules of Go's flag package that runc's users rely on:
 * one dash is as good as two (`-bundle x`), letters are not combined, and everything after `--` is left
 * alone. As with runc, options may stand behind arguments (`update c1 --pids-limit 9`), unless these may
 * be words of another program (`exec c1 ls --all`).
 */
import { RuneError } from "../errors/error.ts";
import type {
  CommandSpec,
  IntegerOption,
  OptionSpec,
  OptionValues,
  StringOption,
} from "./option.ts";

export type ParsedCommand<Options extends readonly OptionSpec[]> =
  | { readonly help: true }
  | {
      readonly help: false;
      readonly values: OptionValues<Options>;
      /** What follows the options, untouched. */
      readonly positionals: readonly string[];
    };

type Value = boolean | number | string | string[] | undefined;

/** Words of strconv.ParseBool, which runc's `--flag=word` goes through. */
const trueWords = ["1", "t", "T", "true", "TRUE", "True"];
const falseWords = ["0", "f", "F", "false", "FALSE", "False"];

/**
 * `-h` or `--help` ends parsing at once, so that it works on an otherwise faulty line.
 * @throws RuneError USAGE that names the option or argument at fault
 */
export function parseCommand<const Options extends readonly OptionSpec[]>(
  spec: CommandSpec<Options>,
  words: readonly string[],
): ParsedCommand<Options> {
  const values: Record<string, Value> = initialValues(spec.options);
  const positionals: string[] = [];
  let position = 0;
  while (position < words.length) {
    const word = words[position] ?? "";
    if (!word.startsWith("-") || word === "-") {
      if (isLeftAlone(spec)) break;
      positionals.push(word);
      position++;
      continue;
    }
    position++;
    if (word === "--") break;
    const { name, inline } = splitOption(spec, word);
    if (name === "help" || name === "h") return { help: true };
    const option = spec.options.find((one) => one.name === name || one.short === name);
    if (option === undefined) throw usageError(spec, `unknown flag \`${word}\``);
    if (option.kind === "flag") {
      values[option.name] = inline === undefined ? true : parseFlag(spec, word, inline);
      continue;
    }
    const text = inline ?? words[position++];
    if (text === undefined) throw usageError(spec, `flag \`${word}\` needs a value`);
    values[option.name] = parseValue(spec, option, text, values[option.name]);
  }
  positionals.push(...words.slice(position));
  checkCount(spec, positionals.length);
  // The record has exactly the table's names, each with a value of its kind: OptionValues by design.
  return { help: false, values: values as OptionValues<Options>, positionals };
}

/** What follows the first argument is not this command's, but a verb's, or a program's to run. */
function isLeftAlone(spec: CommandSpec): boolean {
  return spec.arguments.ofProgram === true;
}

/** An error of the caller's making, with the hint where to read up. */
export function usageError(spec: Pick<CommandSpec, "path">, reason: string): RuneError {
  const hint = `run \`${spec.path} --help\` for its flags and arguments`;
  return new RuneError({ code: "USAGE", doing: spec.path, reason, hint });
}

function initialValues(options: readonly OptionSpec[]): Record<string, Value> {
  const values: Record<string, Value> = {};
  for (const option of options) {
    if (option.kind === "flag") values[option.name] = false;
    else values[option.name] = option.kind === "list" ? [] : option.default;
  }
  return values;
}

/** `--name`, `-name`, `--name=value`; three dashes or an empty name are nobody's flag. */
function splitOption(
  spec: CommandSpec,
  word: string,
): { name: string; inline: string | undefined } {
  const body = word.slice(word.startsWith("--") ? 2 : 1);
  if (body.startsWith("-") || body.startsWith("=")) {
    throw usageError(spec, `malformed flag \`${word}\``);
  }
  const equals = body.indexOf("=");
  if (equals < 0) return { name: body, inline: undefined };
  return { name: body.slice(0, equals), inline: body.slice(equals + 1) };
}

function parseFlag(spec: CommandSpec, word: string, text: string): boolean {
  if (trueWords.includes(text)) return true;
  if (falseWords.includes(text)) return false;
  throw usageError(spec, `flag \`${word}\`: expected true or false`);
}

function parseValue(
  spec: CommandSpec,
  option: Exclude<OptionSpec, { kind: "flag" }>,
  text: string,
  before: Value,
): Value {
  if (option.kind === "integer") return parseInteger(spec, option, text);
  if (option.kind === "string") return parseChoice(spec, option, text);
  return Array.isArray(before) ? [...before, text] : [text];
}

function parseInteger(spec: CommandSpec, option: IntegerOption, text: string): number {
  const value = /^-?(0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Number.NaN;
  if (value >= option.minimum && value <= option.maximum) return value;
  const range = `an integer from ${option.minimum} to ${option.maximum}`;
  throw usageError(spec, `flag \`--${option.name}\`: expected ${range}, got \`${text}\``);
}

function parseChoice(spec: CommandSpec, option: StringOption, text: string): string {
  if (option.choices === undefined || option.choices.includes(text)) return text;
  const choices = option.choices.join(", ");
  throw usageError(spec, `flag \`--${option.name}\`: expected one of ${choices}, got \`${text}\``);
}

function checkCount(spec: CommandSpec, count: number): void {
  const { minimum, maximum } = spec.arguments;
  if (count >= minimum && count <= maximum) return;
  let expected = `${minimum} to ${maximum}`;
  if (maximum === minimum) expected = minimum === 0 ? "no" : `exactly ${minimum}`;
  else if (maximum === Number.POSITIVE_INFINITY) expected = `at least ${minimum}`;
  const noun = expected.endsWith(" 1") ? "argument" : "arguments";
  const usage = spec.arguments.usage === "" ? "" : ` (\`${spec.arguments.usage}\`)`;
  throw usageError(spec, `expected ${expected} ${noun}${usage}, got ${count}`);
}
