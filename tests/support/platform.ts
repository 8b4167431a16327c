// SPDX-License-Identifier: Apache-2.0
/** A platform service of a test's own, below a folder; it is started by whoever needs it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { askControl } from "../../src/platform/control.ts";
import { controlSocket, emulatorSocket, type PlatformFolders } from "../../src/platform/folders.ts";
import { markOf } from "../../src/platform/processes.ts";
import { eventually } from "./command.ts";

export function foldersBelow(folder: string): PlatformFolders {
  return { runtime: join(folder, "platform"), state: join(folder, "platform-state") };
}

/** For the environment of rune and sgx-tools. */
export function platformVariables(folder: string): Record<string, string> {
  const { runtime, state } = foldersBelow(folder);
  return { INCLAVARE_PLATFORM: runtime, INCLAVARE_PLATFORM_STATE: state };
}

/** Ends the service where there is one, and waits until it is gone. */
export async function endPlatform(folder: string): Promise<void> {
  const folders = foldersBelow(folder);
  if (!existsSync(emulatorSocket(folders))) return;
  const status = await askControl(controlSocket(folders), { verb: "status" }).catch(
    () => undefined,
  );
  if (typeof status !== "object" || status === null || !("pid" in status)) return;
  await askControl(controlSocket(folders), { verb: "stop" });
  const pid = Number(status.pid);
  await eventually("the platform service has ended", () => markOf(pid) === undefined);
}
