// SPDX-License-Identifier: Apache-2.0
/** Files and standard output for the tools. Standard output is written by system calls: Bun's
 * `process.stdout` would leave O_NONBLOCK set on a pipe that others share. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { RuneError } from "../errors/error.ts";

const CHUNK_BYTES = 65536;

/** Everything in a file of at most `limitBytes`: nobody signs what does not end. */
export function readInput(path: string, limitBytes: number): Uint8Array {
  const doing = `read \`${path}\``;
  try {
    const fd = openSync(path, constants.O_RDONLY);
    try {
      return readAll(fd, limitBytes, doing);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw systemError(error, doing);
  }
}

/**
 * Puts bytes into a file in one step: a reader sees the old content or the new. What is no regular
 * file, such as /dev/stdout, is written to. The mode counts for new files only.
 */
export function writeOutput(path: string, bytes: Uint8Array, mode = 0o644): void {
  try {
    const before = statSync(path, { throwIfNoEntry: false });
    if (before !== undefined && !before.isFile()) {
      writeFileSync(path, bytes);
      return;
    }
    const temporary = `${path}.${process.pid}.new`;
    try {
      writeFileSync(temporary, bytes, { mode: before?.mode ?? mode, flag: "wx" });
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  } catch (error) {
    throw systemError(error, `write \`${path}\``);
  }
}

/** Whether others than the owner may read a file; false for what is no regular file. */
export function isReadableByOthers(path: string): boolean {
  const status = statSync(path, { throwIfNoEntry: false });
  return status?.isFile() === true && (status.mode & 0o044) !== 0;
}

export function printLine(line: string): void {
  writeText(1, `${line}\n`);
}

export function warn(line: string): void {
  writeText(2, `warning: ${line}\n`);
}

function writeText(fd: number, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}

function readAll(fd: number, limitBytes: number, doing: string): Uint8Array {
  if (fstatSync(fd).isDirectory()) {
    throw new RuneError({ code: "SYSCALL", doing, reason: "is a directory" });
  }
  const chunks: Uint8Array[] = [];
  for (let total = 0; ; ) {
    const chunk = new Uint8Array(CHUNK_BYTES);
    const count = readSync(fd, chunk);
    if (count === 0) return new Uint8Array(Buffer.concat(chunks));
    total += count;
    if (total > limitBytes) {
      throw new RuneError({ code: "SGX_FORMAT", doing, reason: `more than ${limitBytes} bytes` });
    }
    chunks.push(chunk.subarray(0, count));
  }
}

function systemError(error: unknown, doing: string): RuneError {
  // A RuneError has the member `errno` too, and says already what is wrong.
  if (error instanceof RuneError || !(error instanceof Error) || !("errno" in error))
    return RuneError.from(error, doing);
  const code = "code" in error ? String(error.code) : "";
  const known: Readonly<Record<string, string>> = {
    ENOENT: "no such file or directory",
    EACCES: "permission denied",
    EISDIR: "is a directory",
    ENOSPC: "no space left on device",
    EROFS: "read-only file system",
  };
  return new RuneError({
    code: "SYSCALL",
    doing,
    reason: known[code] ?? error.message,
    ...(typeof error.errno === "number" ? { errno: Math.abs(error.errno) } : {}),
    cause: error,
  });
}
