// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { progressAt } from "./progress.ts";

const clear = "\r\x1b[K";

function terminal(moves = true) {
  const written: string[] = [];
  const clock = { ms: 1000 };
  const progress = progressAt({
    write: (text) => written.push(text),
    nowMs: () => clock.ms,
    moves,
  });
  return { written, clock, progress };
}

test("a step is shown at once, its share when there is time to read it", () => {
  const { written, clock, progress } = terminal();
  progress.step("measure");
  progress.at(1, 4);
  expect(written).toEqual([`${clear}measure`]);
  clock.ms += 100;
  progress.at(1, 4);
  progress.at(2, 4);
  expect(written).toEqual([`${clear}measure`, `${clear}measure 25 %`]);
});

test("in the end the line is as it was, once", () => {
  const { written, progress } = terminal();
  {
    using shown = progress;
    shown.step("link");
  }
  progress[Symbol.dispose]();
  expect(written).toEqual([`${clear}link`, clear]);
});

test("work that is quick shows nothing", () => {
  const { written, progress } = terminal();
  progress.at(1, 2);
  progress.at(2, 2);
  progress[Symbol.dispose]();
  expect(written).toEqual([]);
});

test("a share is between 0 and 100, whatever is counted", () => {
  const { written, clock, progress } = terminal();
  for (const [done, total] of [
    [5, 4],
    [-1, 4],
    [1, 0],
  ] as const) {
    clock.ms += 100;
    progress.at(done, total);
  }
  expect(written).toEqual([`${clear}100 %`, `${clear}0 %`, `${clear}0 %`]);
});

test("what would move the cursor, and what is too long for a line, is not passed on", () => {
  const { written, progress } = terminal();
  progress.step(`a\x1b[2Jb\n\u009b${"x".repeat(100)}`);
  expect(written[0]).toBe(`${clear}a?[2Jb??${"x".repeat(71)}`);
});

test("a terminal that cannot go back gets a line for each step", () => {
  const { written, clock, progress } = terminal(false);
  progress.step("translate");
  clock.ms += 1000;
  progress.at(1, 2);
  progress.step("compile");
  progress[Symbol.dispose]();
  expect(written).toEqual(["translate\n", "compile\n"]);
});
