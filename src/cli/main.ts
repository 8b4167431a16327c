// SPDX-License-Identifier: Apache-2.0
/** `rune`: from words to a verb, and from an error to one log record and an exit code. */
import { RuneError } from "../errors/error.ts";
import { O_APPEND, O_CREAT, O_WRONLY } from "../kernel/constants.ts";
import { type Front, readFront } from "../kernel/front.ts";
import type { Fd } from "../kernel/kernel.ts";
import { linux } from "../kernel/linux.ts";
import type { GlobalOptions } from "./global.ts";
import { createLog, type Log } from "./log.ts";
import { perform } from "./perform.ts";
import { type Command, type CommandLine, parseCommandLine } from "./table.ts";

const stderr = 2 as Fd; // open: the front sees to it

/** Ends the process, or becomes another program. */
export async function main(words: readonly string[]): Promise<void> {
  let log: Log = createLog({ ...logDefaults, write: (record) => linux.write(stderr, record) });
  let verb: string | undefined;
  let exitCode = 1;
  try {
    const front = readFront(linux, process.env);
    const line: CommandLine = parseCommandLine(words);
    log = openLog(line.global);
    const command = line.command();
    verb = command.verb === "report-failure" ? command.failed : command.verb;
    // What containerd and people's scripts tell from a program's own 1: runc, exec.go.
    if (verb === "exec") exitCode = 255;
    log = openLog(line.global, containerOf(command));
    await dispatch(line, command, front, log);
    process.exit(0);
  } catch (error) {
    log.failure(RuneError.from(error, `rune ${verb ?? ""}`.trim()));
    process.exit(exitCode);
  }
}

async function dispatch(
  line: CommandLine,
  command: Command,
  front: Front,
  log: Log,
): Promise<void> {
  const { traced } = log.writes("trace") ? await import("../kernel/traced.ts") : {};
  return await perform(command, {
    kernel: traced === undefined ? linux : traced(linux, log.trace),
    global: line.global,
    front,
    log,
    libDir: process.execPath.slice(0, process.execPath.lastIndexOf("/")),
  });
}

const logDefaults = { format: "text", level: "info", now: () => new Date() } as const;

function openLog(global: GlobalOptions, container?: string): Log {
  const options = {
    ...logDefaults,
    format: global.logFormat,
    level: global.logLevel,
    ...(container === undefined ? {} : { container }),
  };
  const { log: path } = global;
  const tell = (line: Uint8Array) => linux.write(stderr, line);
  if (path === undefined) return createLog({ ...options, write: tell });
  // Opened for each record: most commands write none.
  const write = (record: Uint8Array) => {
    const fd = linux.open(path, O_WRONLY | O_APPEND | O_CREAT, 0o644);
    linux.write(fd, record);
    linux.close(fd);
  };
  return createLog({ ...options, write, tell });
}

function containerOf(command: Command): string | undefined {
  if (command.verb === "delete") return command.ids.length === 1 ? command.ids[0] : undefined;
  return "id" in command ? command.id : undefined;
}
