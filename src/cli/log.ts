// SPDX-License-Identifier: Apache-2.0
/**
 * What rune logs and where. Engines open the `--log` file after a failure and show its last record
 * of level error (containerd: process/utils.go, getLastRuntimeError), so there is exactly one of
 * those per failed command and its `msg` is the whole sentence.
 */
import { describeError, escapeControls, type RuneError } from "../errors/error.ts";

export type LogFormat = "text" | "json";

/** logrus' levels, from what says most to what says nothing; runc's programs know them by these names. */
export const logLevels = [
  "trace",
  "debug",
  "info",
  "warning",
  "error",
  "fatal",
  "panic",
  "off",
] as const;
export type LogLevel = (typeof logLevels)[number];

export type LogOptions = {
  readonly format: LogFormat;
  /** Records of this level and those that matter more are written. */
  readonly level: LogLevel;
  /** Appends one whole record, in one write: several processes share the file. */
  readonly write: (record: Uint8Array) => void;
  /** Where `write` is a file: also tells people of the failure, on standard error, as runc does. */
  readonly tell?: (line: Uint8Array) => void;
  readonly now: () => Date;
  /** The container that the command is about. */
  readonly container?: string;
};

export interface Log {
  /** Whether a record of that level would be written. */
  writes(level: LogLevel): boolean;
  trace(message: string): void;
  debug(message: string): void;
  info(message: string): void;
  warning(message: string): void;
  /** The command has failed. Only the first counts as error; what follows from it is a warning. */
  failure(error: RuneError): void;
}

type LogRecord = {
  readonly level: LogLevel;
  readonly message: string;
  readonly code?: string;
  readonly subject?: string;
};

export function createLog(options: LogOptions): Log {
  const encoder = new TextEncoder();
  let failed = false;
  const writes = (level: LogLevel) => {
    return logLevels.indexOf(level) >= logLevels.indexOf(options.level);
  };
  const record = (entry: LogRecord) => {
    if (writes(entry.level)) options.write(encoder.encode(`${format(entry, options)}\n`));
  };
  return {
    writes,
    trace: (message) => record({ level: "trace", message }),
    debug: (message) => record({ level: "debug", message }),
    info: (message) => record({ level: "info", message }),
    warning: (message) => record({ level: "warning", message }),
    failure: (error) => {
      const sentence = describeError(error);
      const level = failed ? "warning" : "error";
      failed = true;
      const subject = innermostSubject(error.doing);
      // The hint has a line of its own for people; a record is one line.
      const message = sentence.replace("\n", "; ");
      record({ level, message, code: error.code, ...(subject === undefined ? {} : { subject }) });
      options.tell?.(encoder.encode(`rune: ${sentence}\n`));
    },
  };
}

/** The last thing in back-quotes: of "create `web`: open `/dev/sgx`" the file. */
function innermostSubject(doing: string): string | undefined {
  return /`([^`]*)`[^`]*$/.exec(doing)?.[1];
}

function format({ level, message, code, subject }: LogRecord, options: LogOptions): string {
  const fields: Record<string, string | undefined> = {
    level,
    msg: escapeControls(message),
    time: `${options.now().toISOString().slice(0, 19)}Z`,
    code,
    subject: subject === undefined ? undefined : escapeControls(subject),
    container: options.container === undefined ? undefined : escapeControls(options.container),
  };
  return options.format === "json" ? JSON.stringify(fields) : formatText(fields);
}

/** logrus' text format: time, level and message first, quotes where a word is not plain. */
function formatText({ time, level, msg, ...rest }: Record<string, string | undefined>): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries({ time, level, msg, ...rest })) {
    if (value === undefined) continue;
    parts.push(`${name}=${/^[\w./@^+-]+$/.test(value) ? value : quote(value)}`);
  }
  return parts.join(" ");
}

function quote(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
