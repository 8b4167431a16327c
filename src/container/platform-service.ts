// SPDX-License-Identifier: Apache-2.0
/** The service behind the simulated platform of a container; docs/protocol/platform-service.md. */
import type { SimulatedService } from "../enclave/additions.ts";
import {
  aesmFolder,
  emulatorSocket,
  type PlatformFolders,
  platformFolders,
} from "../platform/folders.ts";
import { startPlatform, usesRootsPlaces } from "../platform/start.ts";
import type { Deps } from "./deps.ts";

/** Of the caller; started where it does not run. Undefined where the caller wants none. */
export function startedService(deps: Deps): SimulatedService | undefined {
  const folders = callersFolders(deps);
  return folders === undefined ? undefined : started(deps, folders);
}

/**
 * Starts a container's own service once more where it has ended: its init keeps it running, and does not
 * start it. That of somebody else is not the caller's to start.
 */
export function restartService(deps: Deps, socket: string): void {
  const folders = callersFolders(deps);
  if (folders !== undefined && emulatorSocket(folders) === socket) started(deps, folders);
}

function callersFolders({ kernel, callerVariable }: Deps): PlatformFolders | undefined {
  return platformFolders({
    isRoot: usesRootsPlaces(kernel, callerVariable),
    variable: callerVariable,
  });
}

function started({ kernel, libDir, step }: Deps, folders: PlatformFolders): SimulatedService {
  const isNew = startPlatform({ kernel, libDir, folders });
  step?.(isNew ? "the platform service has started" : "the platform service runs");
  return {
    folder: folders.runtime,
    socket: emulatorSocket(folders),
    aesmFolder: aesmFolder(folders),
  };
}
