// SPDX-License-Identifier: Apache-2.0

import { readBundle } from "./bundle.ts";
import { sendRun } from "./channel.ts";
import { requireConsoleSocket } from "./console.ts";
import type { Deps } from "./deps.ts";
import { launch } from "./launch.ts";

export type CreateRequest = {
  readonly id: string;
  readonly bundle: string;
  readonly consoleSocket?: string;
  readonly pidFile?: string;
  readonly noPivot: boolean;
  /** All of the caller's from 3 on that the payload gets, listening ones included. */
  readonly preserveFds: number;
  readonly listeningFds: number;
};

/** Creates a container whose payload waits for `start`. */
export function create(deps: Deps, request: CreateRequest): void {
  const { consoleSocket, ...rest } = request;
  const bundle = readBundle(deps.kernel, request.bundle);
  requireConsoleSocket(bundle.config.process.terminal === true, consoleSocket, true);
  const console = consoleSocket === undefined ? undefined : deps.kernel.connectUnix(consoleSocket);
  const { directory, channel } = launch(deps, {
    ...rest,
    bundle,
    ...(console === undefined ? {} : { console }),
    waitsForStart: true,
  });
  sendRun(deps.kernel, channel);
  deps.kernel.close(channel);
  directory.release();
}
