// SPDX-License-Identifier: Apache-2.0
/** The file with the platform's TCB state. It is written whole or not at all. */
import {
  closeSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { RuneError } from "../../errors/error.ts";
import { DEFAULT_TCB_STATE, readTcbState, type TcbState } from "./tcb-state.ts";

/** In the platform's state folder. */
export const TCB_FILE = "tcb.json";

const LONGEST_FILE_BYTES = 64 << 10;

/** The state in a file; the default where there is none. @throws RuneError STATE_CORRUPT */
export function readTcbFile(path: string): TcbState {
  const doing = `read \`${path}\``;
  try {
    if (statSync(path).size > LONGEST_FILE_BYTES) throw corrupt(doing, "it is too long");
    return readTcbState(JSON.parse(readFileSync(path, "utf8")), DEFAULT_TCB_STATE, doing);
  } catch (error) {
    if (isMissing(error)) return DEFAULT_TCB_STATE;
    throw corrupt(doing, error instanceof RuneError ? error.reason : String(error), error);
  }
}

/** Replaces the file. Its folder's owner, who is the service's user, gets it. */
export function writeTcbFile(path: string, state: TcbState): void {
  const next = `${path}.${process.pid}`;
  try {
    const file = openSync(next, "wx", 0o600);
    try {
      // Not writeSync, which may write a part, as on a disk that is nearly full.
      writeFileSync(file, `${JSON.stringify(state, null, 2)}\n`);
      const { uid, gid } = statSync(dirname(path));
      // By descriptor: the folder's owner could put a link to a file of root's in the name's place.
      if (uid !== process.geteuid?.()) fchownSync(file, uid, gid);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(next, path);
  } catch (error) {
    rmSync(next, { force: true });
    throw RuneError.from(error, `write \`${path}\``);
  }
}

/** Back to the default. */
export function removeTcbFile(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    throw RuneError.from(error, `remove \`${path}\``);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function corrupt(doing: string, reason: string, cause?: unknown): RuneError {
  return new RuneError({
    code: "STATE_CORRUPT",
    doing,
    reason,
    hint: "`sgx-tools platform set-tcb --default` makes it anew",
    cause,
  });
}
