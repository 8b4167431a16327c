// SPDX-License-Identifier: Apache-2.0
/** What criu's own log says of a failure. */
import { type Kernel, readFile } from "../kernel/kernel.ts";

const logMaxBytes = 64 << 20;
const errorsShown = 3;
const lineMaxLength = 300;

/** Where the log is and its last errors, for the hint of an error. */
export function logHint(kernel: Kernel, path: string): string {
  let text: string;
  try {
    text = new TextDecoder().decode(readFile(kernel, path, logMaxBytes));
  } catch {
    return `criu has left no log \`${path}\``; // it did not get that far
  }
  const errors = lastErrors(text);
  if (errors.length === 0) return `criu's log is \`${path}\``;
  return `criu's log \`${path}\` ends with: ${errors.join("; ")}`;
}

/** The last lines with errors, without the time since criu's start in front of them. */
export function lastErrors(log: string): string[] {
  const lines = log.split("\n").filter((line) => /\bError \(/.test(line));
  return lines.slice(-errorsShown).map((line) => {
    const text = line.replace(/^(\(\d+\.\d+\)|pie:)\s*(\d+:\s*)?/, "").trim();
    return text.length > lineMaxLength ? `${text.slice(0, lineMaxLength)}…` : text;
  });
}
