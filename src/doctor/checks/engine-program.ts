// SPDX-License-Identifier: Apache-2.0
import { S_IFMT, S_IFREG } from "../../kernel/constants.ts";
import type { Probe } from "../probe.ts";

/** Why an engine could not start what its configuration names; undefined where it can. */
export function programFault(
  probe: Probe,
  configRoot: string,
  program: string,
): string | undefined {
  if (!program.startsWith("/")) {
    const found = probe.which(program);
    return found === undefined ? `\`${program}\` is not in PATH` : programFault(probe, "", found);
  }
  const found = probe.stat(`${configRoot}${program}`);
  if (found === undefined) return `\`${program}\` is not there`;
  if ((found.mode & S_IFMT) !== S_IFREG) return `\`${program}\` is no file`;
  if ((found.mode & 0o111) === 0) return `\`${program}\` may not be executed`;
  if ((found.mode & 0o022) !== 0)
    return `\`${program}\` may be written by others, and root runs it`;
  return undefined;
}
