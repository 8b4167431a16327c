// SPDX-License-Identifier: Apache-2.0
/**
 * What tests say they cover. A comment above a test names subjects (subjects.ts), with commas:
 *
 *     // covers: process.user.umask, exec --user
 *
 * `name.*` stands for all fields below one; "run *" for all options of a verb.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dir, "../..");

export type Tag = {
  /** Repository path of the test's file. */
  readonly file: string;
  /** The test's title as it stands in the source. */
  readonly title: string;
  readonly covers: readonly string[];
};

/** All tags in tests/ and the unit tests of src/. */
export function allTags(): Tag[] {
  const files = [...new Bun.Glob("{tests,src}/**/*.test.ts").scanSync(root)].sort();
  return files.flatMap((file) => tagsIn(file, readFileSync(join(root, file), "utf8")));
}

/** The tags of one file. A tag belongs to the test that follows it; none following is an error. */
export function tagsIn(file: string, text: string): Tag[] {
  return [...text.matchAll(/^ *\/\/ covers: (.+(?:\n *\/\/ {2,}.+)*)$/gm)].map((match) => {
    const title = firstTitle(text.slice(match.index + match[0].length));
    if (title === undefined) throw new Error(`${file}: no test follows \`${match[0].trim()}\``);
    const covers = (match[1] ?? "")
      .replaceAll(/\n *\/\//g, " ")
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "");
    return { file, title, covers };
  });
}

/** A title is the string before the test's function. */
function firstTitle(text: string): string | undefined {
  return /(["`])((?:(?!\1).)+)\1,\s*(?:async )?\(/.exec(text)?.[2];
}

/** Whether a tag's word means a subject. */
export function means(word: string, subject: string): boolean {
  if (word === subject) return true;
  if (word.endsWith(".*")) return subject.startsWith(word.slice(0, -1));
  return word.endsWith(" *") && subject.startsWith(`${word.slice(0, -1)}--`);
}
