// SPDX-License-Identifier: Apache-2.0
/** Every text that the FAQ answers is one that a program of the project can print. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { allTexts } from "../../scripts/errors/page.ts";
import { pageText } from "../support/markdown.ts";
import { repository } from "../support/runtime.ts";

/** What is printed as it stands, by the C parts and by verdicts. */
const literal = [...new Bun.Glob("{src,native}/**/*.{ts,c,h}").scanSync(repository)]
  .filter((file) => !/\/tests\/|[._]test\./.test(file))
  .map((file) => withoutComments(readFileSync(join(repository, file), "utf8")));

function withoutComments(source: string): string {
  return source.replace(/^\s*(?:\/\/|\/?\*).*$/gm, "").replace(/\s\/\/ .*$/gm, "");
}

/** The dynamic linker's. */
const elsewhere = ["cannot open shared object file"];

test("the FAQ's headings are texts of the sources", () => {
  const headings = [...pageText("docs/how-to/faq.md").matchAll(/^### `(.*)`$/gm)].map(
    ([, text = ""]) => text,
  );
  expect(headings.length).toBeGreaterThan(20);
  const errors = allTexts().map(({ text }) => text);
  const unknown = headings.filter(
    (text) =>
      ![...errors, ...literal].some((source) => source.includes(text)) && !elsewhere.includes(text),
  );
  expect(unknown).toEqual([]);
});
