// SPDX-License-Identifier: Apache-2.0
/** `sgx-tools`: the command line. */
import { RuneError } from "../errors/error.ts";
import { formatCommandHelp, formatProgramHelp } from "../options/help.ts";
import type { CommandSpec, OptionSpec, OptionValues } from "../options/option.ts";
import { parseCommand } from "../options/parse.ts";
import * as commands from "./commands.ts";
import { printLine } from "./files.ts";
import { inspect } from "./inspect.ts";
import { measure } from "./measure.ts";
import { commandProse } from "./prose.ts";
import { catsig, gendata, sign } from "./sign.ts";
import { simulate } from "./simulate.ts";

/** Set by the build; absent when run from source. */
declare const BUILD_VERSION: string | undefined;

/** Runs one command and returns the exit code. Failures are thrown as RuneErrors. */
export async function main(args: readonly string[]): Promise<number> {
  const parsed = parseCommand(commands.program, args);
  const name = parsed.help ? undefined : parsed.positionals[0];
  if (!parsed.help && parsed.values["version"] === true) {
    printLine(`sgx-tools version ${typeof BUILD_VERSION === "string" ? BUILD_VERSION : "source"}`);
    return 0;
  }
  if (parsed.help || name === undefined || name === "help") {
    printLine(formatProgramHelp(commands.program, commandProse["sgx-tools"]).trimEnd());
    return 0;
  }
  run(name, parsed.positionals.slice(1));
  return 0;
}

function run(name: string, args: readonly string[]): void {
  switch (name) {
    case "measure":
      command(commands.measure, args, (values, [path = ""]) => measure(values, path));
      break;
    case "inspect":
      command(commands.inspect, args, (values, [path = ""]) => inspect(values, path));
      break;
    case "sign":
      command(commands.sign, args, (values, [key = "", image = "", out = "", tbs]) => {
        sign(values, key, image, out, tbs);
      });
      break;
    case "gendata":
      command(commands.gendata, args, (values, [image = "", tbs = ""]) => {
        gendata(values, image, tbs);
      });
      break;
    case "simulate":
      command(commands.simulate, args, (values, words) => simulate(values.verbose, words));
      break;
    case "catsig":
      command(commands.catsig, args, (values, [tbs = "", out = ""]) => catsig(values, tbs, out));
      break;
    default:
      throw new RuneError({
        code: "USAGE",
        doing: "sgx-tools",
        reason: `no such command \`${name}\``,
        hint: "sgx-tools --help lists them",
      });
  }
}

function command<const Options extends readonly OptionSpec[]>(
  spec: CommandSpec<Options>,
  args: readonly string[],
  action: (values: OptionValues<Options>, positionals: readonly string[]) => void,
): void {
  const parsed = parseCommand(spec, args);
  if (parsed.help) printLine(formatCommandHelp(spec, commandProse[spec.name]).trimEnd());
  else action(parsed.values, parsed.positionals);
}
