// SPDX-License-Identifier: Apache-2.0
/** All pages of the documentation, and which test types which of them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Fence, isShell } from "../support/markdown.ts";
import { repository } from "../support/runtime.ts";

/** Repository paths of everything that is written for people. */
export const pages: readonly string[] = [
  ...["README.md", "CONTRIBUTING.md", "SECURITY.md"],
  ...[...new Bun.Glob("{docs,examples}/**/*.md").scanSync(repository)].sort(),
];

/** Those below docs/, which the index must name; not the index itself. */
export const indexed = pages.filter((page) => page.startsWith("docs/") && page !== index());

export function index(): string {
  return "docs/README.md";
}

/** Tests that type a page themselves, on an engine: they take its blocks from the page. */
export function typedByItsOwnTest(page: string): boolean {
  const name = page.replace(/^docs\//, "");
  return ownTests.some((text) => text.includes(`"${name}"`));
}

const ownTests = [...new Bun.Glob("tests/**/*.test.ts").scanSync(repository)]
  .map((file) => readFileSync(join(repository, file), "utf8"))
  .filter((text) => text.includes("commandsOf("));

/** Why a block is not as the documentation's rules want it, or undefined. */
export function fault(page: string, fence: Fence): string | undefined {
  const { language, marks, text } = fence;
  if (language === "") return "a block without a language; `text` is what a program prints";
  const skip = marks.get("skip");
  if (skip === true || (typeof skip === "string" && skip.length < 10)) return "skip has no reason";
  const unknown = [...marks.keys()].find(
    (mark) => !["run", "skip", "needs", "test"].includes(mark),
  );
  if (unknown !== undefined) return `what is \`${unknown}\`?`;
  if (!isShell(fence)) {
    const test = marks.get("test");
    if (test !== undefined) return namesPage(String(test), page);
    return /^\$ /m.test(text) ? "commands in a block that is not sh" : undefined;
  }
  if (marks.has("run") || skip !== undefined || typedByItsOwnTest(page)) return undefined;
  return 'nothing runs this block: mark it `run`, or `skip="why not"`';
}

function namesPage(test: string, page: string): string | undefined {
  const file = join(repository, test);
  const named = readFileSync(file, "utf8").includes(page);
  return named ? undefined : `${test} does not read ${page}`;
}
