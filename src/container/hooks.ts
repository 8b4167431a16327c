// SPDX-License-Identifier: Apache-2.0
/**
 * Hooks that run in rune's own namespaces: prestart, createRuntime, poststart, poststop. Loaded only
 * where a configuration has some. What runs them is runelet, with a plan of nothing else.
 */
import { RuneError } from "../errors/error.ts";
import type { Pid } from "../kernel/kernel.ts";
import type { Hook } from "../oci/config.ts";
import type { ContainerStatus } from "../oci/state.ts";
import { PlanBuilder } from "../plan/encode.ts";
import { type HookSubject, hookInRuntime } from "../plan/hooks.ts";
import type { HookArguments } from "../plan/operation.ts";
import type { Deps } from "./deps.ts";
import { runPlan } from "./run-plan.ts";
import type { State } from "./state.ts";

/** Before pivot_root, in the bundle's directory as runc runs them; one that fails ends it. */
export function runCreateHooks(
  deps: Deps,
  hooks: { readonly prestart?: readonly Hook[]; readonly createRuntime?: readonly Hook[] },
  subject: HookSubject,
  pid: Pid,
): void {
  for (const name of ["prestart", "createRuntime"] as const) {
    const planned = plannedHooks(hooks[name], subject, "creating", pid);
    within(name, () => runHooks(deps, planned, subject.bundle));
  }
}

/** Once the program runs; one that fails fails the verb: runtime.md, "Lifecycle", 9. */
export function runPoststart(deps: Deps, state: State): void {
  within("poststart", () => runHooks(deps, poststartHooks(state)));
}

/** When all is gone. A failure is a warning, and the next one runs: runtime.md, "Lifecycle", 13. */
export function runPoststop(deps: Deps, state: State): void {
  for (const hook of poststopHooks(state)) {
    try {
      within("poststop", () => runHooks(deps, [hook]));
    } catch (error) {
      deps.warn(RuneError.from(error, "poststop").message);
    }
  }
}

/** For whoever runs them itself: the monitor. */
export function poststartHooks(state: State): HookArguments[] {
  return plannedHooks(state.hooks?.poststart, state, "running", state.init?.pid);
}

export function poststopHooks(state: State): HookArguments[] {
  return plannedHooks(state.hooks?.poststop, state, "stopped");
}

function plannedHooks(
  hooks: readonly Hook[] = [],
  subject: HookSubject,
  status: ContainerStatus,
  pid?: number,
): HookArguments[] {
  return hooks.map((hook) => hookInRuntime(hook, subject, status, pid));
}

/** Runs hooks one after the other; without a directory in that of the caller. */
function runHooks(deps: Deps, hooks: readonly HookArguments[], directory?: string): void {
  if (hooks.length === 0) return;
  const plan = new PlanBuilder();
  if (directory !== undefined) plan.add({ op: "cwd", path: directory, when: "now" });
  for (const hook of hooks) plan.add({ op: "hook", ...hook });
  plan.add({ op: "exit" });
  for (const { path } of hooks) deps.step?.(`hook \`${path}\``);
  runPlan(deps, plan);
}

function within(name: string, run: () => void): void {
  try {
    run();
  } catch (error) {
    throw RuneError.from(error, "run hooks").within(`${name} hooks`);
  }
}
