// SPDX-License-Identifier: Apache-2.0
import { type ErrorCode, RuneError } from "../errors/error.ts";

export type AttestCode = Extract<ErrorCode, `ATTEST_${string}`>;

/** An error of this folder: `doing` names the object, `reason` what was found and what was expected. */
export function attestError(
  code: AttestCode,
  doing: string,
  reason: string,
  hint?: string,
): RuneError {
  return new RuneError({ code, doing, reason, ...(hint === undefined ? {} : { hint }) });
}

/** Bytes or text that are not what they claim to be. */
export function formatError(what: string, reason: string): RuneError {
  return attestError("ATTEST_FORMAT", `read ${what}`, reason);
}
