// SPDX-License-Identifier: Apache-2.0
/** The plan of what a foreground `run` or `exec` becomes. */
import type { Fd, Pid, Program } from "../kernel/kernel.ts";
import { PlanBuilder } from "./encode.ts";
import type { HookArguments, Operation } from "./operation.ts";

export type MonitorInput = {
  readonly pid: Pid;
  /** Our end of the pair over which the child sends its terminal. */
  readonly console?: Fd;
  /** Our end of the child's channel, which waits for RUN; absent where it runs already. */
  readonly channel?: Fd;
  readonly subreaper: boolean;
  /** The command that reports a program that could not be started. */
  readonly report: readonly string[];
  /** Where the container says that it is ready, and systemd's socket. */
  readonly notify?: { readonly from: Fd; readonly to: Fd };
  /** Run once the payload does, beside the monitor. */
  readonly poststart?: readonly HookArguments[];
  /** What goes when the child has ended, in this order. */
  readonly cleanUp: {
    /** The container's directory, opened for this alone: nothing is done once another command has removed it. */
    readonly directory?: Fd;
    readonly cgroups: readonly string[];
    /** Whether processes may be left in the cgroups: those of a pid namespace end with its init. */
    readonly killLeft: boolean;
    readonly files: readonly string[];
    readonly directories: readonly string[];
    readonly poststop?: readonly HookArguments[];
    /** The command that logs a poststop hook that failed. */
    readonly warn?: readonly string[];
    /** A program of the host that does it all. */
    readonly command?: Omit<Program, "path">;
  };
};

export function planMonitor(input: MonitorInput): PlanBuilder {
  const { pid, console, channel, subreaper, report, cleanUp } = input;
  const plan = new PlanBuilder();
  for (const hook of input.poststart ?? []) plan.add({ op: "poststart", ...hook });
  if (input.notify !== undefined) {
    const { from, to } = input.notify;
    plan.add({ op: "notify", from: plan.inherit(from), to: plan.inherit(to) });
  }
  plan.add({
    op: "monitor",
    pid,
    ...(channel === undefined ? {} : { channel: plan.inherit(channel) }),
    subreaper,
    ...(console === undefined ? {} : { console: plan.inherit(console) }),
  });
  if (cleanUp.directory !== undefined) {
    // The command takes the lock itself.
    const hold = cleanUp.command === undefined;
    plan.add({ op: "claim", slot: plan.inherit(cleanUp.directory), hold });
  }
  if (cleanUp.command !== undefined) plan.add(running(cleanUp.command));
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

const commandTimeoutSeconds = 90; // what `delete` waits for at most: processes 10 s, systemd 30

/** As a hook, which is also given nothing to read, and whose output is part of the error. */
function running({ argv, env }: Omit<Program, "path">): Operation {
  const [path = ""] = argv;
  const timeoutSeconds = commandTimeoutSeconds;
  return {
    op: "hook",
    timeoutSeconds,
    path,
    argv,
    env,
    state: new Uint8Array(),
    tail: new Uint8Array(),
  };
}
