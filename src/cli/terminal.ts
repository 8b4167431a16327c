// SPDX-License-Identifier: Apache-2.0
/** The terminal that a live table is shown on. Not for verbs that hand their streams on. */
import { isatty, WriteStream } from "node:tty";

/** Undefined where standard output is no terminal. */
export function terminalSize(): { readonly rows: number; readonly columns: number } | undefined {
  if (!isatty(1)) return undefined;
  const { rows = 24, columns = 80 } = process.stdout instanceof WriteStream ? process.stdout : {};
  return { rows, columns };
}

/** Aborted by what people and sessions end programs with, until it is disposed of. */
export function untilSignal(): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of signals) process.on(name, abort);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of signals) process.off(name, abort);
    },
  };
}
