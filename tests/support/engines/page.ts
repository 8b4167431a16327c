// SPDX-License-Identifier: Apache-2.0
/** Pages of the documentation whose commands a test types, and whose answers it expects. */
import { type Fence, fencesOf, isShell, pageText } from "../markdown.ts";
import type { EngineHost } from "./host.ts";
import { TerminalSession } from "./terminal.ts";

/** The fenced blocks of a page below docs/ that are not marked as left out, in their order. */
export function blocksOf(page: string): Fence[] {
  return fencesOf(pageText(`docs/${page}`)).filter(({ marks }) => !marks.has("skip"));
}

/** The one block of a language. */
export function onlyBlock(page: string, language: string): string {
  const found = blocksOf(page).filter((block) => block.language === language);
  if (found.length !== 1) throw new Error(`${page}: ${found.length} blocks of ${language}`);
  return found[0]?.text ?? "";
}

/** Each shell block with the answer that the page shows below it, if any. */
export function commandsOf(page: string): { commands: string; answer: string[] }[] {
  const blocks = blocksOf(page);
  return blocks.flatMap((block, index) => {
    if (!isShell(block)) return [];
    const next = blocks[index + 1];
    const answer = next?.language === "text" ? next.text.trimEnd().split("\n") : [];
    return [{ commands: block.text, answer }];
  });
}

/** Types a block into a shell of the host, on a terminal; returns the lines that it shows. */
export async function typed(
  host: EngineHost,
  env: Readonly<Record<string, string>>,
  folder: string,
  commands: string,
): Promise<string[]> {
  const argv = host.inside("sh", "-ec", `cd "$1"; ${commands}`, "sh", folder);
  using session = new TerminalSession(argv, env);
  const status = await session.exited();
  const lines = session.shown.replaceAll("\r", "").split("\n");
  if (status !== 0) throw new Error(`status ${status}: ${commands}${lines.join("\n")}`);
  return lines;
}
