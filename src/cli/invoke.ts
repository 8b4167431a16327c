// SPDX-License-Identifier: Apache-2.0
/** `rune`: from words to a verb, and from an error to one log record and an exit code. */
import { RuneError } from "../errors/error.ts";
import { O_APPEND, O_CREAT, O_WRONLY } from "../kernel/constants.ts";
import type { Front } from "../kernel/front.ts";
import type { Fd, Kernel } from "../kernel/kernel.ts";
import type { GlobalOptions } from "./global.ts";
import { createLog, type Log } from "./log.ts";
import { perform } from "./perform.ts";
import { type Command, type CommandLine, parseCommandLine } from "./table.ts";

const stderr = 2 as Fd; // open: the front sees to it

export type Invocation = {
  readonly words: readonly string[];
  readonly kernel: Kernel;
  readonly front: () => Front;
  /** Where runelet and its companions are. */
  readonly libDir: string;
};

export type Outcome = {
  readonly exitCode: number;
  /** False after what no verb should throw. */
  readonly expected: boolean;
};

/** Does what the words say and logs its failure; never settles where the process has become another program. */
export async function invoke(invocation: Invocation): Promise<Outcome> {
  const { words, kernel } = invocation;
  let log: Log = createLog({ ...logDefaults, write: (record) => kernel.write(stderr, record) });
  let verb: string | undefined;
  let exitCode = 1;
  try {
    const front = invocation.front();
    const line: CommandLine = parseCommandLine(words);
    log = openLog(kernel, line.global);
    // 1 is what `doctor` says of a machine, so that a wrong line must be told from it.
    if (line.verb === "doctor") exitCode = 2;
    const command = line.command();
    verb = command.verb === "report-failure" ? command.failed : command.verb;
    // What containerd and people's scripts tell from a program's own 1: runc, exec.go.
    if (verb === "exec") exitCode = 255;
    log = openLog(kernel, line.global, containerOf(command));
    const verdict = await dispatch(invocation, line.global, command, front, log);
    return { exitCode: verdict, expected: true };
  } catch (error) {
    log.failure(RuneError.from(error, `rune ${verb ?? ""}`.trim()));
    return { exitCode, expected: error instanceof RuneError };
  }
}

async function dispatch(
  { kernel, libDir }: Invocation,
  global: GlobalOptions,
  command: Command,
  front: Front,
  log: Log,
): Promise<number> {
  const { traced } = log.writes("trace") ? await import("../kernel/traced.ts") : {};
  let exitCode = 0;
  await perform(command, {
    kernel: traced === undefined ? kernel : traced(kernel, log.trace),
    global,
    front,
    log,
    libDir,
    endWith: (status) => {
      exitCode = status;
    },
  });
  return exitCode;
}

const logDefaults = { format: "text", level: "info", now: () => new Date() } as const;

function openLog(kernel: Kernel, global: GlobalOptions, container?: string): Log {
  const options = {
    ...logDefaults,
    format: global.logFormat,
    level: global.logLevel,
    ...(container === undefined ? {} : { container }),
  };
  const { log: path } = global;
  const tell = (line: Uint8Array) => kernel.write(stderr, line);
  if (path === undefined) return createLog({ ...options, write: tell });
  // Opened for each record: most commands write none.
  const write = (record: Uint8Array) => {
    const fd = kernel.open(path, O_WRONLY | O_APPEND | O_CREAT, 0o644);
    kernel.write(fd, record);
    kernel.close(fd);
  };
  return createLog({ ...options, write, tell });
}

function containerOf(command: Command): string | undefined {
  if (command.verb === "delete") return command.ids.length === 1 ? command.ids[0] : undefined;
  return "id" in command ? command.id : undefined;
}
