// SPDX-License-Identifier: Apache-2.0
/**
 * HTML whose every text is escaped: what is put into a template is text unless it is a fragment
 * itself. Certificates, quotes and collateral are a stranger's, and the page is opened in a browser.
 */

export class Fragment {
  readonly markup: string;
  /** Precondition: no part of `markup` came from outside without {@link html}. */
  constructor(markup: string) {
    this.markup = markup;
  }
}

type Part = string | number | Fragment | readonly (string | number | Fragment)[];

/** Tagged template: fragments stay, all else is escaped, in content and in quoted attributes. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Fragment {
  const rendered = parts.map((part) => (Array.isArray(part) ? part.map(one).join("") : one(part)));
  return new Fragment(strings.map((text, index) => `${text}${rendered[index] ?? ""}`).join(""));
}

function one(part: Part): string {
  return part instanceof Fragment ? part.markup : escapeText(String(part));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "`": "&#96;",
};

/**
 * Control characters, and those that turn the direction of what follows or have no width: with them
 * one name can be made to look like another (CVE-2021-42574).
 */
const INVISIBLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

function escapeText(text: string): string {
  return text
    .toWellFormed()
    .replace(INVISIBLE, (character) => `\\u{${character.charCodeAt(0).toString(16)}}`)
    .replace(/[&<>"'`]/g, (character) => ENTITIES[character] ?? "");
}
