// SPDX-License-Identifier: Apache-2.0
/** debian/copyright (Debian's copyright format 1.0): ours, and of what is inside our files. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Component, components } from "./components.ts";

const engine = "usr/lib/inclavare/engine";
/** Which installed files hold it; the engine where nothing else is said. */
const filesOf: Readonly<Record<string, string>> = {
  musl: ["usr/bin/*", ...["runelet", "shim-monitor", "platform-launch"].map(inLibrary)].join(" "),
};

export function copyrightText(root: string): string {
  const text = readFileSync(join(root, "packaging/debian/copyright"), "utf8");
  const inside = components(root).filter(({ how }) => how === "inside");
  const places = Map.groupBy(inside, ({ name }) => filesOf[name] ?? engine);
  const paragraphs = [...places].map(([files, parts]) => paragraph(files, parts));
  const licenses = ["MIT", "BSD-3-Clause"].map((name) => licenseText(root, name));
  return text.replace("@libraries@\n", [...paragraphs, ...licenses].join(""));
}

function inLibrary(name: string): string {
  return `usr/lib/inclavare/${name}`;
}

/** The last paragraph that matches a file counts, so each file has one. */
function paragraph(files: string, parts: readonly Component[]): string {
  const licenses = ["Apache-2.0", ...parts.flatMap(({ license }) => license.split(" AND "))];
  return [
    `Files: ${files}`,
    "Copyright: 2026 Inclavare Containers contributors",
    ...parts.map(({ holders }) => ` ${holders}`),
    `License: ${[...new Set(licenses)].join(" and ")}`,
    "Comment: With what is in it of others:",
    ...parts.map(({ name, version, license }) => ` ${name} ${version}, ${license}`),
    "\n",
  ].join("\n");
}

function licenseText(root: string, name: string): string {
  const text = readFileSync(join(root, "packaging/debian/licenses", name), "utf8").trimEnd();
  const lines = text.split("\n").map((line) => (line === "" ? " ." : ` ${line}`));
  return `License: ${name}\n${lines.join("\n")}\n\n`;
}
