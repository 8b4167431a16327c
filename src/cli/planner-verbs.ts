// SPDX-License-Identifier: Apache-2.0
/** What a worker of the planner does: rune's own command line, as far as it is the same there. */
import type { Verbs } from "../planner/worker.ts";
import { invoke } from "./invoke.ts";
import { type Command, parseCommandLine } from "./table.ts";

/**
 * Not what only prints, which no engine calls, nor `events`, which may go on for ever, nor `ps`, which
 * runs the host's.
 */
const warm: ReadonlySet<Command["verb"]> = new Set<Command["verb"]>([
  "create",
  "delete",
  "exec",
  "kill",
  "list",
  "pause",
  "resume",
  "run",
  "start",
  "state",
  "update",
]);

export function plannerVerbs(libDir: string): Verbs {
  return {
    accepts: (words) => {
      try {
        return warm.has(parseCommandLine(words).command().verb);
      } catch {
        return false; // what is wrong with the line is said in a cold start
      }
    },
    invoke: (words, { kernel, front }) => invoke({ words, kernel, front: () => front, libDir }),
  };
}

/** Reads what the verbs import when they are called for, before anybody waits for it. */
export async function loadVerbs(): Promise<void> {
  await Promise.all([
    import("../container/create.ts"),
    import("../container/delete.ts"),
    import("../container/exec.ts"),
    import("../container/hooks.ts"),
    import("../container/kill.ts"),
    import("../container/list.ts"),
    import("../container/pause.ts"),
    import("../container/resume.ts"),
    import("../container/run.ts"),
    import("../container/start.ts"),
    import("./exec-process.ts"),
    import("./print-cold.ts"),
  ]);
}
