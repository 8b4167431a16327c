// SPDX-License-Identifier: Apache-2.0
/** `update` of a container's class of service. */
import { RuneError } from "../errors/error.ts";
import { ENOENT, ESRCH, O_WRONLY } from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno } from "../kernel/kernel.ts";
import type { IntelRdt } from "../oci/config-linux.ts";
import { writeSchemata } from "./groups.ts";
import { type RdtRecord, rdtTasksFiles } from "./record.ts";
import { wantedSchemata } from "./schemata.ts";

export type SchemaChange = Pick<IntelRdt, "l3CacheSchema" | "memBwSchema">;

/** Writes the new schemata; what it returns puts the earlier ones back. */
export function changeSchemata(kernel: Kernel, record: RdtRecord, change: SchemaChange) {
  const { root, group } = record;
  if (group === root) {
    const doing = `change class of service \`${group}\``;
    const reason = "it is the default class, that of the whole host";
    throw new RuneError({ code: "CONFIG_UNSUPPORTED", doing, reason });
  }
  const earlier = readText(kernel, `${group}/schemata`)
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  writeSchemata(kernel, record, wantedSchemata(change));
  return () => writeSchemata(kernel, record, [earlier]);
}

/**
 * Moves every task of a container into its groups. `pids` tells the container's processes, again and
 * again until no task is new: those that a moved task makes are born there.
 */
export function moveTasks(kernel: Kernel, record: RdtRecord, pids: () => readonly number[]): void {
  const moved = new Set<string>();
  for (let before = -1; before < moved.size; ) {
    before = moved.size;
    for (const pid of pids()) {
      for (const { name } of unlessErrno(() => kernel.list(`/proc/${pid}/task`), ENOENT, ESRCH) ??
        []) {
        if (moved.has(name)) continue;
        for (const path of rdtTasksFiles(record)) moveTask(kernel, path, name);
        moved.add(name);
      }
    }
  }
}

/** A task that has ended needs no group. */
function moveTask(kernel: Kernel, path: string, task: string): void {
  const fd = kernel.open(path, O_WRONLY);
  try {
    unlessErrno(() => kernel.write(fd, new TextEncoder().encode(task)), ESRCH);
  } finally {
    kernel.close(fd);
  }
}
