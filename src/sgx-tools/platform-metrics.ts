// SPDX-License-Identifier: Apache-2.0
import { RuneError } from "../errors/error.ts";
import { metricsSocket, type PlatformFolders } from "../platform/folders.ts";
import { printLine } from "./files.ts";

const ANSWER_MS = 10_000;

/** `sgx-tools platform metrics`: for a textfile collector, which scrapes no Unix socket. */
export async function printMetrics(folders: PlatformFolders): Promise<void> {
  const socket = metricsSocket(folders);
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const response = await fetch("http://localhost/metrics", { unix: socket, signal });
    if (!response.ok) throw new Error(`status ${response.status}`);
    printLine((await response.text()).trimEnd());
  } catch (cause) {
    throw new RuneError({
      code: "PLATFORM_SERVICE",
      doing: `ask the platform service at \`${socket}\``,
      reason: RuneError.from(cause, "ask").reason,
      hint: "it runs while something uses the simulated platform, and answers its own user and root",
      cause,
    });
  }
}
