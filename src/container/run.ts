// SPDX-License-Identifier: Apache-2.0
import type { Fd } from "../kernel/kernel.ts";
import type { PlanBuilder } from "../plan/encode.ts";
import { planMonitor } from "../plan/monitor.ts";
import { readBundle } from "./bundle.ts";
import { runDetached } from "./channel.ts";
import { connectConsole, requireConsoleSocket } from "./console.ts";
import type { CreateRequest } from "./create.ts";
import { closingOnFailure, type Deps } from "./deps.ts";
import { destroy } from "./destroy.ts";
import { attestIfWanted, prepareBundle, tellEnclave } from "./enclave.ts";
import { type Launched, launch } from "./launch.ts";
import { type LaunchHelpers, leaveClass, loadHelpers } from "./launch-helpers.ts";
import { removePidFile } from "./pid-file.ts";
import { becomePlan, reapFailed } from "./runelet.ts";
import { prepareSeccomp } from "./seccomp.ts";
import { prepareUnit } from "./unit.ts";

export type RunRequest = CreateRequest & {
  readonly detach: boolean;
  readonly subreaper: boolean;
  /** Leaves the container, stopped, for `state` and `delete`. */
  readonly keep: boolean;
};

/** Creates and starts a container. In the foreground this process becomes its monitor. */
export function run(deps: Deps, request: RunRequest): Promise<void> {
  return closingOnFailure(deps, (own) => runWith(own, request));
}

async function runWith(deps: Deps, request: RunRequest): Promise<void> {
  const { kernel } = deps;
  const { consoleSocket, detach, subreaper, keep, platform, ...rest } = request;
  const begunMs = kernel.nowMs();
  const read = readBundle(kernel, request.bundle);
  const terminal = read.config.process.terminal === true;
  requireConsoleSocket(terminal, consoleSocket, detach);
  const [ours, theirs] = terminal && !detach ? kernel.streamPair() : [undefined, undefined];
  const console = consoleSocket === undefined ? theirs : connectConsole(kernel, consoleSocket);
  const unit = await prepareUnit(deps, request.id, read.config);
  const seccomp = await prepareSeccomp(deps, read.config);
  const helpers = await loadHelpers(read.config, seccomp.seccomp, deps.notifySocket);
  const prepared = await prepareBundle(deps, read, platform);
  const preparedMs = deps.kernel.nowMs();
  const launched = launch(deps, {
    ...rest,
    ...prepared,
    ...seccomp,
    helpers,
    ...unit,
    ...(console === undefined ? {} : { console }),
    waitsForStart: false,
    ...(detach || keep || unit.unit?.isOurs === true ? {} : { monitored: true }),
  });
  try {
    const readyMs = deps.kernel.nowMs();
    await attestIfWanted(deps, prepared.enclave, launched.state);
    await tellEnclave(deps, launched.state, { begunMs, preparedMs, readyMs });
    const notify = helpers.notify?.bindNotifySocket(kernel, launched.directory);
    if (detach) {
      runDetached(kernel, launched.channel);
      deps.step?.("the program runs");
      helpers.hooks?.runPoststart(deps, launched.state);
      if (notify !== undefined) {
        launched.directory.release(); // `kill` and `state` do not wait until it is ready
        helpers.notify?.awaitReadiness(deps, notify, deps.notifySocket ?? "", launched.pid);
      }
    } else {
      const watch = { subreaper, keep, ours, helpers, notify };
      await becomePlan(deps, monitorPlan(deps, launched, watch));
    }
  } catch (error) {
    removePidFile(kernel, request.pidFile);
    destroy(deps, launched.directory, launched.state, unit.unit);
    helpers.hooks?.runPoststop(deps, launched.state);
    reapFailed(deps);
    leaveClass(deps, launched.rdt);
    throw error;
  } finally {
    launched.directory.release();
  }
}

type Watch = {
  readonly subreaper: boolean;
  readonly keep: boolean;
  /** Our end of the pair over which the terminal comes. */
  readonly ours: Fd | undefined;
  readonly helpers: LaunchHelpers;
  /** The socket on which the container says that it is ready. */
  readonly notify: Fd | undefined;
};
/** One that runs already has no channel. */
type Watched = Omit<Launched, "channel"> & { readonly channel?: Fd };
const nothing = { cgroups: [], killLeft: false, files: [], directories: [] };

export function monitorPlan(
  deps: Deps,
  { pid, state, directory, channel }: Watched,
  { subreaper, keep, ours, helpers, notify }: Watch,
): PlanBuilder {
  const { hooks } = helpers;
  const host =
    notify === undefined
      ? undefined
      : helpers.notify?.connectHost(deps.kernel, deps.notifySocket ?? "");
  const contents = directory.contents();
  const claimed = keep ? {} : { directory: directory.openAgain() };
  const everything = {
    ...claimed,
    cgroups: state.cgroup.map(({ path }) => path),
    killLeft: !state.ownPidNamespace,
    files: contents.files,
    directories: [...(state.intelRdt?.own ?? []), ...contents.directories],
    poststop: hooks?.poststopHooks(state) ?? [],
    warn: deps.reportCommand("hook", state.id),
  };
  return planMonitor({
    pid,
    ...(channel === undefined ? {} : { channel }),
    subreaper,
    report: deps.reportCommand("run", state.id),
    poststart: hooks?.poststartHooks(state) ?? [],
    ...(ours === undefined ? {} : { console: ours }),
    ...(notify === undefined || host === undefined ? {} : { notify: { from: notify, to: host } }),
    cleanUp: keep
      ? nothing
      : state.systemd === undefined
        ? everything
        : { ...nothing, ...claimed, command: deps.systemd.deleteCommand(state.id) },
  });
}
