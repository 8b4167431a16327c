// SPDX-License-Identifier: Apache-2.0
import { RuneError } from "../../errors/error.ts";

/** One step of a verification: what was compared with what, and how it came out. */
export type Check = {
  readonly name: string;
  readonly passed: boolean;
  /** For people: the values that were compared, or the reason of a failure. */
  readonly compared: string;
};

/** Records checks in order; the one that throws is the last. */
export type Trace = {
  readonly checks: readonly Check[];
  /** Runs a check. What it returns goes on; `compared` says for people what was looked at. */
  check<Result>(
    name: string,
    run: () => Result,
    compared: string | ((result: Result) => string),
  ): Result;
};

export function startTrace(): Trace {
  const checks: Check[] = [];
  return {
    checks,
    check(name, run, compared) {
      try {
        const result = run();
        const text = typeof compared === "string" ? compared : compared(result);
        checks.push({ name, passed: true, compared: text });
        return result;
      } catch (error) {
        const failure = RuneError.from(error, name);
        checks.push({ name, passed: false, compared: failure.message });
        throw failure;
      }
    },
  };
}
