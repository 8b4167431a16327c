// SPDX-License-Identifier: Apache-2.0
/**
 * A command line as data. One table makes the parser, `--help`, the reference page and completion,
 * so they cannot disagree.
 */

type OptionBase = {
  /** Without dashes: "pid-file". */
  readonly name: string;
  /** A second name, without dash; usually one letter. */
  readonly short?: string;
  /** One line for `--help`: lower case, no full stop. */
  readonly help: string;
  /** Accepted, but not shown. */
  readonly hidden?: boolean;
};

/** `--name`, `--name=true`, `--name=false`; false unless given. */
export type FlagOption = OptionBase & { readonly kind: "flag" };

/** `--name value`, `--name=value`; the last one wins. */
export type StringOption = OptionBase & {
  readonly kind: "string";
  /** What stands for the value in `--help`: "path". */
  readonly argument: string;
  readonly default?: string;
  /** The only values allowed. */
  readonly choices?: readonly string[];
};

/** A decimal number. */
export type IntegerOption = OptionBase & {
  readonly kind: "integer";
  readonly argument: string;
  readonly default?: number;
  /** Smallest and largest value allowed, both inclusive. */
  readonly minimum: number;
  readonly maximum: number;
};

/** May be given several times; the values are kept in order. */
export type ListOption = OptionBase & { readonly kind: "list"; readonly argument: string };

export type OptionSpec = FlagOption | StringOption | IntegerOption | ListOption;

/** What may stand after the options. */
export type ArgumentsSpec = {
  /** For `--help`: "<container-id> [signal]". */
  readonly usage: string;
  readonly minimum: number;
  readonly maximum: number;
  /** From the first one on the line belongs to somebody else, as with `exec`: no option is looked for. */
  readonly ofProgram?: true;
};

export type CommandSpec<Options extends readonly OptionSpec[] = readonly OptionSpec[]> = {
  /** As typed: "create"; for the whole program, "rune". */
  readonly name: string;
  /** What error messages and usage lines start with: "rune create". */
  readonly path: string;
  /** One line: lower case, no full stop. */
  readonly summary: string;
  readonly arguments: ArgumentsSpec;
  readonly options: Options;
  /** Works, but is not shown. */
  readonly hidden?: boolean;
};

/** A program with verbs: `program [options] verb [options] [arguments]`. */
export type ProgramSpec = CommandSpec & { readonly commands: readonly CommandSpec[] };

type ValueOf<Option extends OptionSpec> = Option extends { readonly kind: "flag" }
  ? boolean
  : Option extends { readonly kind: "list" }
    ? readonly string[]
    : Option extends { readonly kind: "integer" }
      ? number | (Option extends { readonly default: number } ? never : undefined)
      : ChoiceOf<Option> | (Option extends { readonly default: string } ? never : undefined);

type ChoiceOf<Option> = Option extends { readonly choices: readonly (infer Choice)[] }
  ? Choice
  : string;

/** The values of a table's options by name: `values["pid-file"]`. */
export type OptionValues<Options extends readonly OptionSpec[]> = {
  readonly [Option in Options[number] as Option["name"]]: ValueOf<Option>;
};

/** Types a table of options so that `OptionValues` knows every name and kind. */
export function defineCommand<const Options extends readonly OptionSpec[]>(
  spec: CommandSpec<Options>,
): CommandSpec<Options> {
  return spec;
}
