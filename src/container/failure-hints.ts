// SPDX-License-Identifier: Apache-2.0
/** What to do about a failure that the C part reports: it knows what happened, not whose it is. */
import type { ErrorCode } from "../errors/error.ts";
import { EACCES, ENOEXEC } from "../kernel/constants.ts";

/** The hint for a failure, where there is something to say. */
export function failureHint(code: ErrorCode, errno: number, reason: string): string | undefined {
  switch (code) {
    case "EXEC_FAILED":
      return execHint(errno);
    case "PAL_ABI_MISMATCH":
      return abiHint(reason);
    case "PAL_FAILED":
      return "the enclave runtime's own words are on the container's standard error; ENCLAVE_RUNTIME_LOGLEVEL=debug gets more of them";
    default:
      return undefined;
  }
}

function execHint(errno: number): string | undefined {
  if (errno === EACCES) {
    return "it is not executable for the process's user, a directory on its way is closed to him, or its file system is mounted noexec";
  }
  if (errno === ENOEXEC) return "it is made for another machine, or is a script without `#!`";
  return undefined;
}

function abiHint(reason: string): string | undefined {
  if (reason.includes("symbol")) {
    return "`nm -D` shows what the file exports; enclave_runtime_pal.h has what each version of the API needs";
  }
  if (reason.includes("shared object")) return "`ldd` shows which library of the host is missing";
  return undefined;
}
