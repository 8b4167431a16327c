// SPDX-License-Identifier: Apache-2.0
import { RuneError } from "../errors/error.ts";
import { absolute, readConfig } from "./bundle.ts";
import type { Deps } from "./deps.ts";
import { launch } from "./launch.ts";

export type CreateRequest = {
  readonly id: string;
  readonly bundle: string;
  readonly consoleSocket?: string;
  readonly pidFile?: string;
  readonly noPivot: boolean;
  readonly preserveFds: number;
};

/** Creates a container whose payload waits for `start`. */
export function create(deps: Deps, request: CreateRequest): void {
  const { consoleSocket, ...rest } = request;
  checkTerminal(deps, request, true);
  const console = consoleSocket === undefined ? undefined : deps.kernel.connectUnix(consoleSocket);
  const { directory, channel } = launch(deps, {
    ...rest,
    ...(console === undefined ? {} : { console }),
    waitsForStart: true,
  });
  deps.kernel.close(channel);
  directory.release();
}

/** A terminal needs somebody to hold it: a console socket, or a foreground run. */
export function checkTerminal(
  { kernel }: Deps,
  { bundle, consoleSocket }: { readonly bundle: string; readonly consoleSocket?: string },
  detached: boolean,
): boolean {
  const terminal = readConfig(kernel, absolute(kernel, bundle)).process.terminal === true;
  requireConsoleSocket(terminal, consoleSocket, detached);
  return terminal;
}

export function requireConsoleSocket(
  terminal: boolean,
  consoleSocket: string | undefined,
  detached: boolean,
): void {
  if (terminal && detached && consoleSocket === undefined) {
    throw new RuneError({
      code: "USAGE",
      doing: "give the container a terminal",
      reason: "a detached container needs --console-socket",
      hint: "or set process.terminal to false",
    });
  }
  if (consoleSocket !== undefined && !(terminal && detached)) {
    const reason = terminal ? "it is for detached containers" : "the process has no terminal";
    throw new RuneError({ code: "USAGE", doing: "use --console-socket", reason });
  }
}
