// SPDX-License-Identifier: Apache-2.0
/** `sgx-tools platform root`: whom a relying party has to trust, if it takes a simulation. */
import { httpFetcher } from "../attest/fetch/http.ts";
import { RuneError } from "../errors/error.ts";
import type { OptionValues } from "../options/option.ts";
import { evidenceSocket } from "../platform/evidence/listen.ts";
import { printLine } from "./files.ts";
import type { platformRoot } from "./set-tcb-command.ts";

export async function printRoot(
  { ias }: OptionValues<typeof platformRoot.options>,
  runtime: string,
): Promise<void> {
  const socket = evidenceSocket({ runtime });
  const url = `unix:${socket}/simulation/${ias ? "ias" : "sgx"}-root.pem`;
  try {
    const { status, body } = await httpFetcher({ insecure: false })(url);
    if (status !== 200) throw new Error(`HTTP status ${status}`);
    printLine(Buffer.from(body).toString("latin1").trimEnd());
  } catch (error) {
    throw new RuneError({
      code: "PLATFORM_SERVICE",
      doing: `ask \`${socket}\``,
      reason: error instanceof Error ? error.message : String(error),
      hint: "`sgx-tools platform start` starts the service",
      cause: error,
    });
  }
}
