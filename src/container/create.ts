// SPDX-License-Identifier: Apache-2.0

import type { Platform } from "../config/node-config.ts";
import { type Bundle, readBundle } from "./bundle.ts";
import { sendRun } from "./channel.ts";
import { type ConsoleSocket, connectConsole, requireConsoleSocket } from "./console.ts";
import { closingOnFailure, type Deps } from "./deps.ts";
import { destroy } from "./destroy.ts";
import { attestIfWanted, prepareBundle, tellEnclave } from "./enclave.ts";
import { launch } from "./launch.ts";
import { leaveClass, loadHelpers } from "./launch-helpers.ts";
import { removePidFile } from "./pid-file.ts";
import { reapFailed } from "./runelet.ts";
import { prepareSeccomp } from "./seccomp.ts";
import { prepareUnit } from "./unit.ts";

export type CreateRequest = {
  readonly id: string;
  readonly bundle: string;
  readonly consoleSocket?: ConsoleSocket;
  readonly pidFile?: string;
  readonly pidfdSocket?: string;
  readonly platform?: Platform;
  readonly noPivot: boolean;
  readonly noNewKeyring: boolean;
  /** All of the caller's from 3 on that the payload gets, listening ones included. */
  readonly preserveFds: number;
  readonly listeningFds: number;
  /** The process's variables in place of the bundle's: the shim's, when it has made an enclave. */
  readonly environment?: readonly string[];
};

/** Creates a container whose payload waits for `start`. */
export function create(deps: Deps, request: CreateRequest): Promise<void> {
  return closingOnFailure(deps, (own) => createWith(own, request));
}

async function createWith(deps: Deps, request: CreateRequest): Promise<void> {
  const { consoleSocket, platform, environment, ...rest } = request;
  const begunMs = deps.kernel.nowMs();
  const read = withEnvironment(readBundle(deps.kernel, request.bundle), environment);
  requireConsoleSocket(read.config.process.terminal === true, consoleSocket, true);
  const console =
    consoleSocket === undefined ? undefined : connectConsole(deps.kernel, consoleSocket);
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
    waitsForStart: true,
  });
  try {
    const readyMs = deps.kernel.nowMs();
    await attestIfWanted(deps, prepared.enclave, launched.state);
    await tellEnclave(deps, launched.state, { begunMs, preparedMs, readyMs });
    sendRun(deps.kernel, launched.channel);
    deps.step?.("init waits for start");
  } catch (error) {
    removePidFile(deps.kernel, request.pidFile);
    destroy(deps, launched.directory, launched.state, unit.unit);
    helpers.hooks?.runPoststop(deps, launched.state);
    reapFailed(deps);
    leaveClass(deps, launched.rdt);
    throw error;
  } finally {
    deps.kernel.close(launched.channel);
    launched.directory.release();
  }
}

function withEnvironment(bundle: Bundle, env: readonly string[] | undefined): Bundle {
  if (env === undefined) return bundle;
  const { config } = bundle;
  return { ...bundle, config: { ...config, process: { ...config.process, env } } };
}
