// SPDX-License-Identifier: Apache-2.0
/**
 * What long work is at, on one line of a terminal that is written over and in the end taken away. In a pipe
 * or a file there is nothing: no program that reads our output has to know of it.
 */
import { writeSync } from "node:fs";
import { isatty } from "node:tty";

export type Progress = Disposable & {
  /** Begins a step, and shows it at once: `compile`. */
  step(text: string): void;
  /** How far the step is; may be called as often as is convenient. */
  at(done: number, total: number): void;
};

/** Where it is shown; the arguments are for tests. */
export type Terminal = {
  readonly write: (text: string) => void;
  readonly nowMs: () => number;
  /** One that can go back in its line. */
  readonly moves: boolean;
};

/** More often nobody can read. */
const intervalMs = 100;
const columns = 79;
/** ECMA-48: to the start of the line, EL. */
const clear = "\r\x1b[K";

/** Shown on the descriptor if that is a terminal; disposing takes it away, also when the work failed. */
export function progressOn(fd: number): Progress {
  if (!isatty(fd)) return silent;
  return progressAt({
    write: (text) => void writeSync(fd, text),
    nowMs: () => performance.now(),
    // Tools behind the front do not see TERM; nearly every terminal obeys these two sequences.
    moves: process.env["TERM"] !== "dumb",
  });
}

const silent: Progress = { step() {}, at() {}, [Symbol.dispose]() {} };

/** @internal */
export function progressAt({ write, nowMs, moves }: Terminal): Progress {
  let step = "";
  let drawnAt = nowMs();
  let onLine = false;
  const draw = (text: string) => {
    drawnAt = nowMs();
    onLine = true;
    write(`${clear}${text.slice(0, columns)}`);
  };
  return {
    step(text) {
      step = printable(text);
      if (moves) draw(step);
      else write(`${step}\n`);
    },
    at(done, total) {
      if (!moves || nowMs() - drawnAt < intervalMs) return;
      const share = total > 0 ? Math.min(1, Math.max(0, done / total)) : 0;
      draw(`${step}${step === "" ? "" : " "}${Math.floor(share * 100)} %`);
    },
    [Symbol.dispose]() {
      if (onLine) write(clear);
      onLine = false;
    },
  };
}

/** A step may name a file, and a file's name may hold what a terminal obeys. */
function printable(text: string): string {
  return text.replaceAll(/[^ -~\u{a0}-\u{10ffff}]/gu, "?");
}
