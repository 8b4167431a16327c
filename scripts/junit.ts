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
    name: unescaped(/\bname="([^"]*)"/.exec(attributes)?.[1] ?? "?"),
    outcome: body.includes("<skipped")
      ? "skipped"
      : /<(failure|error)\b/.test(body)
        ? "failed"
        : "passed",
  }));
}

function unescaped(text: string): string {
  const letters: Readonly<Record<string, string>> = { quot: '"', apos: "'", lt: "<", gt: ">" };
  return text
    .replaceAll(/&(quot|apos|lt|gt);/g, (_, name) => letters[name] ?? "")
    .replaceAll("&amp;", "&");
}
