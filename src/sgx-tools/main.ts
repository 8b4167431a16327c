// SPDX-License-Identifier: Apache-2.0
/** `sgx-tools`: the command line. */
import { RuneError } from "../errors/error.ts";
import { formatCommandHelp, formatProgramHelp } from "../options/help.ts";
import type { CommandSpec, OptionSpec, OptionValues } from "../options/option.ts";
import { parseCommand } from "../options/parse.ts";
import * as aesm from "./aesm-commands.ts";
import * as commands from "./commands.ts";
import * as evidence from "./evidence-commands.ts";
import { printLine } from "./files.ts";
import { inspect } from "./inspect.ts";
import { measure } from "./measure.ts";
import * as service from "./platform-commands.ts";
import { commandProse } from "./prose.ts";
import { catsig, gendata, sign } from "./sign.ts";
import { simulate } from "./simulate.ts";
import * as wasm from "./wasm-commands.ts";

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
  return run(name, parsed.positionals.slice(1));
}

async function run(name: string, args: readonly string[]): Promise<number> {
  switch (name) {
    case "measure":
      return command(commands.measure, args, (values, [path = ""]) => measure(values, path));
    case "inspect":
      return command(commands.inspect, args, (values, [path = ""]) => inspect(values, path));
    case "sign":
      return command(commands.sign, args, (values, [key = "", image = "", out = "", tbs]) =>
        sign(values, key, image, out, tbs),
      );
    case "gendata":
      return command(commands.gendata, args, (values, [image = "", tbs = ""]) =>
        gendata(values, image, tbs),
      );
    case "build-wasm":
      return command(wasm.buildWasm, args, async (values, [path = ""]) => {
        const { buildWasm } = await import("./wasm.ts");
        return buildWasm(values, path);
      });
    case "sign-wasm":
      return command(wasm.signWasm, args, async (values, [path = ""]) => {
        const { signWasm } = await import("./wasm.ts");
        return signWasm(values, path);
      });
    case "simulate":
      return command(commands.simulate, args, (values, words) => simulate(values, words));
    case "catsig":
      return command(commands.catsig, args, (values, [tbs = "", out = ""]) =>
        catsig(values, tbs, out),
      );
    case "diff":
      return command(evidence.diff, args, async (values, [left = "", right = ""]) => {
        const { diff } = await import("./diff.ts");
        return diff(values, left, right);
      });
    case "verify-quote":
      return command(evidence.verifyQuote, args, async (values) => {
        const { verifyQuoteFile } = await import("./verify-quote.ts");
        return verifyQuoteFile(values, new Date());
      });
    case "collateral":
      return collateral(args);
    case "platform":
      return platform(args);
    case "gen-token":
      return command(aesm.genToken, args, async (values) => {
        const { genToken } = await import("./aesm.ts");
        return genToken(values);
      });
    case "gen-qe-target-info":
      return command(aesm.genQeTargetInfo, args, async (values) => {
        const { genQeTargetInfo } = await import("./aesm.ts");
        return genQeTargetInfo(values);
      });
    case "gen-quote":
      return command(aesm.genQuote, args, async (values) => {
        const { genQuote } = await import("./aesm.ts");
        return genQuote(values);
      });
    case "get-ias-report":
      return command(aesm.getIasReport, args, async (values) => {
        const { getIasReport } = await import("./ias-report.ts");
        return getIasReport(values, () => new Date());
      });
    default:
      throw unknown(name);
  }
}

/** `collateral` has verbs of its own. */
async function collateral([verb = "", ...args]: readonly string[]): Promise<number> {
  const { fetchToArchive, showArchive } = await import("./collateral.ts");
  switch (verb) {
    case "fetch":
      return command(evidence.collateralFetch, args, (values, [path = ""]) =>
        fetchToArchive(values, path),
      );
    case "show":
      return command(evidence.collateralShow, args, (values, [path = ""]) =>
        showArchive(values, path),
      );
    default:
      throw unknown(`collateral ${verb}`.trimEnd());
  }
}

/** So has `platform`. */
async function platform([verb = "", ...args]: readonly string[]): Promise<number> {
  const tool = await import("./platform.ts");
  switch (verb) {
    case "status":
      return command(service.platformStatus, args, (values) => tool.printStatus(values));
    case "set-tcb": {
      const { platformSetTcb } = await import("./set-tcb-command.ts");
      const { setTcb } = await import("./set-tcb.ts");
      return command(platformSetTcb, args, (values) =>
        setTcb(values, values.state ?? tool.stateFolder()),
      );
    }
    case "root": {
      const { platformRoot } = await import("./set-tcb-command.ts");
      const { printRoot } = await import("./platform-root.ts");
      return command(platformRoot, args, (values) => printRoot(values, tool.runtimeFolder()));
    }
    case "enclaves":
      return command(service.platformEnclaves, args, (values) => tool.printEnclaves(values));
    case "metrics": {
      const { printMetrics } = await import("./platform-metrics.ts");
      return command(service.platformMetrics, args, () => printMetrics(tool.wantedFolders()));
    }
    case "reset":
      return command(service.platformReset, args, (values) => tool.reset(values));
    case "start":
      return command(service.platformStart, args, (values) => tool.start(values));
    case "stop":
      return command(service.platformStop, args, () => tool.stop());
    case "serve":
      return command(service.platformServe, args, (values) => tool.serve(values));
    default:
      throw unknown(`platform ${verb}`.trimEnd());
  }
}

function unknown(name: string): RuneError {
  return new RuneError({
    code: "USAGE",
    doing: "sgx-tools",
    reason: `no such command \`${name}\``,
    hint: "sgx-tools --help lists them",
  });
}

/** Runs a command's action; a number that it returns is the exit status, else 0. */
async function command<const Options extends readonly OptionSpec[]>(
  spec: CommandSpec<Options>,
  args: readonly string[],
  action: (values: OptionValues<Options>, positionals: readonly string[]) => unknown,
): Promise<number> {
  const parsed = parseCommand(spec, args);
  if (!parsed.help) {
    const status = await action(parsed.values, parsed.positionals);
    return typeof status === "number" ? status : 0;
  }
  printLine(formatCommandHelp(spec, commandProse[spec.name]).trimEnd());
  return 0;
}
