// SPDX-License-Identifier: Apache-2.0
/** What the tests of the documentation read of a Markdown page: fences, links, headings. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./runtime.ts";

/** A fenced block: ```language run, ```language skip="reason". */
export type Fence = {
  /** "sh", "json", "toml"; empty where the page names none. */
  readonly language: string;
  /** Words behind the language: `run` is true, `skip="reason"` its text. */
  readonly marks: ReadonlyMap<string, string | true>;
  readonly text: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
};

/** A page's text, by repository path. */
export function pageText(path: string): string {
  return readFileSync(join(repository, path), "utf8");
}

export function fencesOf(markdown: string): Fence[] {
  const found: Fence[] = [];
  for (const match of markdown.matchAll(/^(`{3,})([^\n`]*)\n(.*?)^\1 *$/gms)) {
    const [, , info = "", text = ""] = match;
    const line = markdown.slice(0, match.index).split("\n").length;
    const [language = ""] = info.trim().split(/\s/);
    found.push({ language, marks: marksOf(info.trim().slice(language.length)), text, line });
  }
  return found;
}

function marksOf(words: string): Map<string, string | true> {
  const pairs = [...words.matchAll(/([a-z]+)(?:="([^"]*)")?/g)];
  return new Map(pairs.map(([, name = "", value]) => [name, value ?? true]));
}

/** The page without its fenced blocks, whose lines stay as empty ones. */
export function prose(markdown: string): string {
  return markdown.replace(/^(`{3,})[^\n`]*\n.*?^\1 *$/gms, (block) => block.replace(/[^\n]/g, ""));
}

/** Targets of links and pictures: "../reference/errors.md#usage". */
export function linksOf(markdown: string): string[] {
  const text = prose(markdown).replace(/`[^`\n]*`/g, (code) => "`".repeat(code.length));
  const inline = [...text.matchAll(/\]\(([^()\s]*)\)/g)].map(([, target = ""]) => target);
  const named = [...text.matchAll(/^\[[^\]]+\]: (\S+)/gm)].map(([, target = ""]) => target);
  return [...inline, ...named];
}

/** Anchors of a page's headings, as GitHub makes them. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of prose(markdown).matchAll(/^#+ (.*)$/gm)) {
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(" ", "-");
    let name = slug;
    for (let again = 1; anchors.has(name); again++) name = `${slug}-${again}`;
    anchors.add(name);
  }
  return anchors;
}

const shells = ["sh", "shell", "bash", "console"];

export function isShell({ language }: Fence): boolean {
  return shells.includes(language);
}
