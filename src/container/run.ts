// SPDX-License-Identifier: Apache-2.0
import { planMonitor } from "../plan/monitor.ts";
import { readBundle } from "./bundle.ts";
import { receive } from "./channel.ts";
import { requireConsoleSocket } from "./console.ts";
import type { CreateRequest } from "./create.ts";
import type { Deps } from "./deps.ts";
import { destroy } from "./destroy.ts";
import { launch } from "./launch.ts";
import { becomePlan } from "./runelet.ts";

export type RunRequest = CreateRequest & {
  readonly detach: boolean;
  readonly subreaper: boolean;
  /** Leaves the container, stopped, for `state` and `delete`. */
  readonly keep: boolean;
};

/** Creates and starts a container. In the foreground this process becomes its monitor. */
export function run(deps: Deps, request: RunRequest): void {
  const { kernel } = deps;
  const { consoleSocket, detach, subreaper, keep, ...rest } = request;
  const bundle = readBundle(kernel, request.bundle);
  const terminal = bundle.config.process.terminal === true;
  requireConsoleSocket(terminal, consoleSocket, detach);
  const [ours, theirs] = terminal && !detach ? kernel.streamPair() : [undefined, undefined];
  const console = consoleSocket === undefined ? theirs : kernel.connectUnix(consoleSocket);
  const launched = launch(deps, {
    ...rest,
    bundle,
    ...(console === undefined ? {} : { console }),
    waitsForStart: false,
  });
  const { directory, state, pid, channel } = launched;
  const message = receive(kernel, channel);
  if (message.kind === "failed") {
    destroy(deps, directory, state);
    directory.release();
    throw message.error;
  }
  if (detach) {
    directory.release();
    return;
  }
  const contents = directory.contents();
  const monitor = planMonitor({
    pid,
    subreaper,
    ...(ours === undefined ? {} : { console: ours }),
    cleanUp: keep
      ? { cgroupProcs: [], files: [], directories: [] }
      : {
          cgroupProcs: state.ownPidNamespace
            ? []
            : state.cgroup.map(({ path }) => `${path}/cgroup.procs`),
          files: contents.files,
          directories: [...state.cgroup.map(({ path }) => path), ...contents.directories],
        },
  });
  becomePlan(deps, monitor);
}
