// SPDX-License-Identifier: Apache-2.0
import { readFileSync, rmSync } from "node:fs";

/**
 * Removes a test's directory. What is still mounted below is detached first: a test that failed may have
 * left a bind mount of the host there, and removing what is in it would remove the host's.
 */
export function removeTree(path: string): void {
  for (const mount of mountsBelow(path)) Bun.spawnSync(["umount", "--lazy", mount]);
  const [left] = mountsBelow(path);
  if (left !== undefined) throw new Error(`not removing \`${path}\`: \`${left}\` is mounted`);
  rmSync(path, { recursive: true, force: true });
}

/** Deepest first; the path itself among them. */
function mountsBelow(path: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => unescaped(line.split(" ")[4] ?? ""))
    .filter((mount) => mount === path || mount.startsWith(`${path}/`))
    .reverse();
}

/** proc_pid_mountinfo(5): spaces and the like are octal. */
function unescaped(text: string): string {
  return text.replace(/\\(\d{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
