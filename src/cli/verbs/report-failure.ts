// SPDX-License-Identifier: Apache-2.0
/** `rune report-failure`: internal; a monitor's way to the log when a program could not start. */
import { defineCommand } from "../../options/option.ts";
import { parseCommand } from "../../options/parse.ts";

export type ReportFailureCommand = {
  readonly verb: "report-failure";
  /** The verb that has failed, which decides the exit code; a hook is only warned of. */
  readonly failed: "run" | "exec" | "hook";
  readonly id: string;
  /** FAILED of the init channel. */
  readonly code: number;
  readonly errno: number;
  readonly doing: string;
  readonly reason: string;
};

export const reportFailureCommand = defineCommand({
  name: "report-failure",
  path: "rune report-failure",
  summary: "log why a program could not be started; internal",
  hidden: true,
  arguments: {
    usage: "<verb> <container-id> <code> <errno> <doing> <reason>",
    minimum: 6,
    maximum: 6,
    // A reason may begin with a dash.
    ofProgram: true,
  },
  options: [],
});

export function parseReportFailure(words: readonly string[]): ReportFailureCommand | undefined {
  const parsed = parseCommand(reportFailureCommand, words);
  if (parsed.help) return undefined;
  const [failed, id = "", code, errno, doing = "", reason = ""] = parsed.positionals;
  return {
    verb: "report-failure",
    failed: failed === "exec" || failed === "hook" ? failed : "run",
    id,
    code: Number(code),
    errno: Number(errno),
    doing,
    reason,
  };
}
