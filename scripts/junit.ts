// SPDX-License-Identifier: Apache-2.0
/** What `bun test` reports, case by case. */

export type TestCase = {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
};

/** Cases of a JUnit report. */
export function casesOf(xml: string): TestCase[] {
  const found = xml.matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g);
  return [...found].map(([, attributes = "", body = ""]) => ({
    name: nameOf(attributes),
    outcome: body.includes("<skipped")
      ? "skipped"
      : /<(failure|error)\b/.test(body)
        ? "failed"
        : "passed",
  }));
}

/** With its group, in whose name the reason of a skip may stand. */
function nameOf(attributes: string): string {
  const name = /\bname="([^"]*)"/.exec(attributes)?.[1] ?? "?";
  const group = /\bclassname="([^"]*)"/.exec(attributes)?.[1] ?? "";
  return unescaped(group === "" ? name : `${group}: ${name}`);
}

function unescaped(text: string): string {
  const letters: Readonly<Record<string, string>> = { quot: '"', apos: "'", lt: "<", gt: ">" };
  return text
    .replaceAll(/&(quot|apos|lt|gt);/g, (_, name) => letters[name] ?? "")
    .replaceAll("&amp;", "&");
}
