// SPDX-License-Identifier: Apache-2.0
/** The service behind the simulated platform of a container; docs/protocol/platform-service.md. */
import type { SimulatedService } from "../enclave/additions.ts";
import { aesmFolder, emulatorSocket, platformFolders } from "../platform/folders.ts";
import { startPlatform, usesRootsPlaces } from "../platform/start.ts";
import type { Deps } from "./deps.ts";

/** Of the caller; started where it does not run. Undefined where the caller wants none. */
export function startedService(deps: Deps): SimulatedService | undefined {
  const { kernel, libDir, callerVariable, step } = deps;
  const folders = platformFolders({
    isRoot: usesRootsPlaces(kernel, callerVariable),
    variable: callerVariable,
  });
  if (folders === undefined) return undefined;
  const isNew = startPlatform({ kernel, libDir, folders });
  step?.(isNew ? "the platform service has started" : "the platform service runs");
  return {
    folder: folders.runtime,
    socket: emulatorSocket(folders),
    aesmFolder: aesmFolder(folders),
  };
}
