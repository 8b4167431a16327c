// SPDX-License-Identifier: Apache-2.0
/** The commands that a page has typed, and whether what they print is what the page shows. */
import { fencesOf, pageText } from "./markdown.ts";

export type Step = {
  readonly line: number;
  readonly commands: string;
  readonly answer: readonly string[];
  /** A program that not every machine has. */
  readonly program: string | undefined;
};

/** Its `sh run` blocks, each with the `text` block below it. */
export function stepsOf(page: string): Step[] {
  const fences = fencesOf(pageText(page));
  return fences.flatMap(({ marks, text, line }, at) => {
    if (!marks.has("run")) return [];
    const next = fences[at + 1];
    const answer = next?.language === "text" ? next.text.trimEnd().split("\n") : [];
    const program = marks.get("needs");
    return [{ line, commands: text, answer, program: program === true ? undefined : program }];
  });
}

/** Lines of the answer that are not printed, or not in this order. */
export function absent(answer: readonly string[], output: string): string[] {
  const lines = output.split("\n").map((line) => line.trimEnd());
  let from = 0;
  return answer.filter((line) => {
    const at = lines.slice(from).findIndex((one) => fits(line, one));
    if (at >= 0) from += at + 1;
    return at < 0;
  });
}

/** "…" stands for what differs; of a line that ends in a colon only the beginning is always the same. */
function fits(expected: string, line: string): boolean {
  const wanted = expected.trimEnd();
  if (wanted === line) return true;
  if (wanted.endsWith(":") && line.startsWith(wanted)) return true;
  if (!wanted.includes("…")) return false;
  const parts = wanted.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(line);
}
