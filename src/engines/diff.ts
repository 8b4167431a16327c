// SPDX-License-Identifier: Apache-2.0
/** What changes in a file, as `diff -u` shows it: one hunk, since an edit is in one place. */

const context = 3;

/** "" where nothing changes. */
export function unifiedDiff(path: string, before: string, after: string): string {
  if (before === after) return "";
  const [a, b] = [lines(before), lines(after)];
  let start = 0;
  while (start < Math.min(a.length, b.length) && a[start] === b[start]) start++;
  let end = 0;
  const rest = Math.min(a.length, b.length) - start;
  while (end < rest && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const from = Math.max(0, start - context);
  const more = Math.min(context, end);
  const body = [
    ...a.slice(from, start).map((line) => ` ${line}`),
    ...a.slice(start, a.length - end).map((line) => `-${line}`),
    ...b.slice(start, b.length - end).map((line) => `+${line}`),
    ...a.slice(a.length - end, a.length - end + more).map((line) => ` ${line}`),
  ];
  const range = (all: readonly string[]) => {
    const count = all.length - end + more - from;
    return `${count === 0 ? from : from + 1},${count}`;
  };
  return `--- ${path}\n+++ ${path}\n@@ -${range(a)} +${range(b)} @@\n${body.map(shown).join("")}`;
}

const noNewline = "\\ No newline at end of file";

/** A last line without its end is another line than one with it. */
function lines(text: string): string[] {
  if (text === "") return [];
  const all = text.split("\n");
  const last = all.pop();
  return last === "" ? all : [...all, `${last}\n${noNewline}`];
}

function shown(line: string): string {
  return `${line}\n`;
}
