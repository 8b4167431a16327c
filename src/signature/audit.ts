// SPDX-License-Identifier: Apache-2.0
/** The record of what was signed for whom: one JSON object a line, on the disk before a signature leaves. */
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { RuneError } from "../errors/error.ts";

export type AuditLog = {
  /** Throws SIGNATURE where it cannot be written. */
  readonly record: (entry: Readonly<Record<string, unknown>>) => void;
  readonly close: () => void;
};

/** Without a path, standard output. */
export function openAuditLog(path: string | undefined): AuditLog {
  const doing = `write the audit log \`${path ?? "standard output"}\``;
  const fail = (cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new RuneError({ code: "SIGNATURE", doing, reason, cause });
  };
  let fd = 1;
  try {
    if (path !== undefined) fd = openSync(path, "a", 0o600);
  } catch (error) {
    throw fail(error);
  }
  return {
    record: (entry) => {
      const line = new TextEncoder().encode(`${JSON.stringify({ time: new Date(), ...entry })}\n`);
      try {
        for (let at = 0; at < line.length; ) at += writeSync(fd, line, at);
        if (path !== undefined) fsyncSync(fd);
      } catch (error) {
        throw fail(error);
      }
    },
    close: () => {
      if (path !== undefined) closeSync(fd);
    },
  };
}
