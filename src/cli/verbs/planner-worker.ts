// SPDX-License-Identifier: Apache-2.0
/** `rune planner-worker`: internal; one of the engines that `rune planner` keeps. */
import { defineCommand } from "../../options/option.ts";
import { parseCommand } from "../../options/parse.ts";

export type PlannerWorkerCommand = { readonly verb: "planner-worker" };

export const plannerWorkerCommand = defineCommand({
  name: "planner-worker",
  path: "rune planner-worker",
  summary: "do verbs for a planner; internal",
  hidden: true,
  arguments: { usage: "", minimum: 0, maximum: 0 },
  options: [],
});

export function parsePlannerWorker(words: readonly string[]): PlannerWorkerCommand | undefined {
  if (parseCommand(plannerWorkerCommand, words).help) return undefined;
  return { verb: "planner-worker" };
}
