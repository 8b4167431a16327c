// SPDX-License-Identifier: Apache-2.0
import { RuneError } from "../errors/error.ts";
import type { Fd, Kernel } from "../kernel/kernel.ts";

/** Where a terminal is sent: the path of a socket, or a connected one. */
export type ConsoleSocket = string | Fd;

export function connectConsole(kernel: Kernel, socket: ConsoleSocket): Fd {
  return typeof socket === "string" ? kernel.connectUnix(socket) : socket;
}

/** A terminal needs somebody to hold it: a console socket, or a foreground monitor. */
export function requireConsoleSocket(
  terminal: boolean,
  consoleSocket: ConsoleSocket | undefined,
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
