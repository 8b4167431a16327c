// SPDX-License-Identifier: Apache-2.0
/** `rune top`: looks, and shows. */
import type { Usage } from "../container/usage.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { type Look, lookLine, lookTable, rowsOf, sorted } from "./top-table.ts";
import type { TopCommand } from "./verbs/top.ts";

/** xterm's: the other screen, without a cursor; and back. */
const enter = "\x1b[?1049h\x1b[?25l";
const leave = "\x1b[?25h\x1b[?1049l";
const home = "\x1b[H";
const clearLine = "\x1b[K";
const clearRest = "\x1b[J";

export type TopContext = {
  readonly kernel: Pick<Kernel, "nowMs">;
  readonly usages: () => readonly Usage[];
  readonly print: (text: string) => void;
  /** Lines and columns; undefined: it is no terminal, and each look is printed below the last. */
  readonly size: () => { readonly rows: number; readonly columns: number } | undefined;
  /** Aborted when it is to end. */
  readonly signal: AbortSignal;
};

export async function top(command: TopCommand, context: TopContext): Promise<void> {
  const { print, size, signal } = context;
  const live = !command.once && !command.json && size() !== undefined;
  if (live) print(enter);
  try {
    let before = look(context);
    while (await waited(command.intervalMs, signal)) {
      const now = look(context);
      show(command, context, live, sorted(rowsOf(before, now), command.sort));
      if (command.once) return;
      before = now;
    }
  } finally {
    if (live) print(leave);
  }
}

function look({ kernel, usages }: TopContext): Look {
  return { atMs: kernel.nowMs(), usages: usages() };
}

function show(
  { json }: TopCommand,
  { print, size }: TopContext,
  live: boolean,
  rows: ReturnType<typeof rowsOf>,
): void {
  const lines = lookTable(rows);
  const room = live ? size() : undefined;
  if (json) print(lookLine(rows));
  else if (room === undefined) print(`${lines.join("\n")}\n`);
  else {
    const shown = lines.slice(0, room.rows - 1).map((line) => line.slice(0, room.columns));
    print(`${home}${shown.map((line) => `${line}${clearLine}\n`).join("")}${clearRest}`);
  }
}

/** False where the signal came first. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
  return !signal.aborted;
}
