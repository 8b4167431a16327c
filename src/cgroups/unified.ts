// SPDX-License-Identifier: Apache-2.0
/** `linux.resources.unified`: files of a version 2 cgroup by their names, such as misc.max for EPC pages. */
import { RuneError } from "../errors/error.ts";
import { invalid } from "./controller.ts";
import type { LimitFiles } from "./limit-files.ts";

/**
 * Files by which rune itself makes, fills and ends the cgroup. A frozen one, for example, would keep
 * the container's first process, and so rune, waiting for ever.
 */
const runtimeFiles = ["procs", "threads", "freeze", "kill", "type", "subtree_control"].map(
  (name) => `cgroup.${name}`,
);

/** Names of version 1 for controllers that have another one in version 2. */
const version1Names: Readonly<Record<string, string>> = { io: "blkio" };

/**
 * Writes the files, after and so in place of what the other fields say of the same. `covered` are the
 * controllers that version 1 has on this host: their files are not in the version 2 hierarchy.
 */
export function setUnified(
  files: LimitFiles | undefined,
  unified: Readonly<Record<string, string>>,
  covered: ReadonlySet<string>,
): void {
  for (const [name, content] of Object.entries(unified)) {
    if (runtimeFiles.includes(name)) {
      throw invalid("unified", name, "the runtime itself writes this file");
    }
    const controller = name.slice(0, name.indexOf("."));
    if (covered.has(version1Names[controller] ?? controller)) {
      throw refusal(name, "this host has the controller in a version 1 hierarchy");
    }
    if (files === undefined) throw refusal(name, "no version 2 cgroup hierarchy is mounted");
    // The kernel reads one line a write.
    for (const line of content.split("\n")) if (line !== "") writeOne(files, name, line);
  }
}

/** A file with a line a key (`sgx_epc 4096`, `8:0 rbps=1`) is put back line by line. */
function writeOne(files: LimitFiles, name: string, line: string): void {
  const [key = "", ...rest] = line.split(" ");
  const hasKeys = rest.length > 0 && name !== "cpu.max";
  if (hasKeys) files.writeLine(name, key, rest.join(" "), neutralOf(name));
  else files.write(name, line);
}

function neutralOf(name: string): string {
  if (name === "io.max") return "rbps=max wbps=max riops=max wiops=max";
  return name.endsWith("weight") ? "default" : "max";
}

function refusal(name: string, reason: string): RuneError {
  return new RuneError({ code: "CGROUP", doing: `set \`${name}\``, reason });
}
