// SPDX-License-Identifier: Apache-2.0
/** `rune` in a process of its own. */
import { readFront } from "../kernel/front.ts";
import { linux } from "../kernel/linux.ts";
import { invoke } from "./invoke.ts";

/** Ends the process, or becomes another program. */
export async function main(words: readonly string[]): Promise<void> {
  const { exitCode } = await invoke({
    words,
    kernel: linux,
    front: () => readFront(linux, process.env),
    libDir: process.execPath.slice(0, process.execPath.lastIndexOf("/")),
  });
  process.exit(exitCode);
}
