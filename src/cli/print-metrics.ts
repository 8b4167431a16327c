// SPDX-License-Identifier: Apache-2.0
import type { Deps } from "../container/deps.ts";
import { readTally } from "../container/journal.ts";
import { metricsText } from "../container/metrics.ts";
import { absolute } from "../container/path.ts";
import { usages } from "../container/usage.ts";
import { RuneError } from "../errors/error.ts";
import { ENOENT, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } from "../kernel/constants.ts";
import { type Kernel, unlessErrno } from "../kernel/kernel.ts";
import type { MetricsCommand } from "./verbs/metrics.ts";

export function printMetrics(
  deps: Deps,
  { output }: MetricsCommand,
  print: (text: string) => void,
): void {
  const text = metricsText(usages(deps), readTally(deps.kernel, deps.root));
  if (output === undefined) print(text);
  else replaceMetrics(deps.kernel, absolute(deps.kernel, output), text);
}

/**
 * A collector reads the old file or the new one, never a part: and only names that end in .prom.
 * @internal
 */
export function replaceMetrics(kernel: Kernel, path: string, text: string): void {
  const temporary = `${path}.${kernel.pid()}`;
  try {
    // Attack: the collector's user, whose directory it is, puts a link to one of root's files there.
    unlessErrno(() => kernel.unlink(temporary), ENOENT);
    const fd = kernel.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
    try {
      kernel.write(fd, new TextEncoder().encode(text));
      kernel.rename(temporary, path);
    } catch (error) {
      unlessErrno(() => kernel.unlink(temporary), ENOENT);
      throw error;
    } finally {
      kernel.close(fd);
    }
  } catch (error) {
    throw RuneError.from(error, "write").within(`write metrics to \`${path}\``);
  }
}
