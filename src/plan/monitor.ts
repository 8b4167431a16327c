// SPDX-License-Identifier: Apache-2.0
/** The plan of what a foreground `run` or `exec` becomes. */
import type { Fd, Pid } from "../kernel/kernel.ts";
import { PlanBuilder } from "./encode.ts";
import type { HookArguments } from "./operation.ts";

export type MonitorInput = {
  readonly pid: Pid;
  /** Our end of the pair over which the child sends its terminal. */
  readonly console?: Fd;
  /** Our end of the child's channel, which waits for RUN. */
  readonly channel: Fd;
  readonly subreaper: boolean;
  /** The command that reports a program that could not be started. */
  readonly report: readonly string[];
  /** Run once the payload does, beside the monitor. */
  readonly poststart?: readonly HookArguments[];
  /** What goes when the child has ended, in this order. */
  readonly cleanUp: {
    readonly cgroups: readonly string[];
    /** Whether processes may be left in the cgroups: those of a pid namespace end with its init. */
    readonly killLeft: boolean;
    readonly files: readonly string[];
    readonly directories: readonly string[];
    readonly poststop?: readonly HookArguments[];
    /** The command that logs a poststop hook that failed. */
    readonly warn?: readonly string[];
  };
};

export function planMonitor(input: MonitorInput): PlanBuilder {
  const { pid, console, channel, subreaper, report, cleanUp } = input;
  const plan = new PlanBuilder();
  for (const hook of input.poststart ?? []) plan.add({ op: "poststart", ...hook });
  plan.add({
    op: "monitor",
    pid,
    channel: plan.inherit(channel),
    subreaper,
    ...(console === undefined ? {} : { console: plan.inherit(console) }),
  });
  for (const path of cleanUp.cgroups) {
    plan.add({ op: "cgroupRemove", path, kill: cleanUp.killLeft });
  }
  for (const path of cleanUp.files) plan.add({ op: "unlink", path });
  for (const path of cleanUp.directories) plan.add({ op: "rmdir", path });
  for (const hook of cleanUp.poststop ?? []) {
    plan.add({ op: "poststop", ...hook, report: cleanUp.warn ?? [] });
  }
  plan.add({ op: "report", argv: report }, { op: "exit" });
  return plan;
}
