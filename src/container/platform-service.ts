// SPDX-License-Identifier: Apache-2.0
/** The service behind the simulated platform of a container; docs/protocol/platform-service.md. */
import type { SimulatedService } from "../enclave/additions.ts";
import {
  aesmFolder,
  emulatorSocket,
  type PlatformFolders,
  platformFolders,
} from "../platform/folders.ts";
import { answers, startPlatform, usesRootsPlaces } from "../platform/start.ts";
import type { Deps } from "./deps.ts";

/** Of the caller; started where it does not run. Undefined where the caller wants none. */
export function startedService(deps: Deps): SimulatedService | undefined {
  const { kernel, libDir, step } = deps;
  const folders = callersFolders(deps);
  if (folders === undefined) return undefined;
  const isNew = startPlatform({ kernel, libDir, folders });
  step?.(isNew ? "the platform service has started" : "the platform service runs");
  return {
    folder: folders.runtime,
    socket: emulatorSocket(folders),
    aesmFolder: aesmFolder(folders),
  };
}

/**
 * For a program that is about to start in a container that has that socket: the service ends when
 * nobody has used it for a while, and may have been killed. Another's than the caller's is left alone.
 */
export function ensureService(deps: Deps, socket: string): void {
  if (answers(deps.kernel, socket)) return;
  const folders = callersFolders(deps);
  if (folders !== undefined && emulatorSocket(folders) === socket) startedService(deps);
}

function callersFolders({ kernel, callerVariable }: Deps): PlatformFolders | undefined {
  return platformFolders({
    isRoot: usesRootsPlaces(kernel, callerVariable),
    variable: callerVariable,
  });
}
