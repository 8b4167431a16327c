// SPDX-License-Identifier: Apache-2.0
/** The service: one process, until nobody uses the platform any more. */
import { closeSync, openSync, writeSync } from "node:fs";
import type { Fd } from "../kernel/kernel.ts";
import { plannerCalls } from "../kernel/planner-calls.ts";
import type { PlatformFolders } from "./folders.ts";
import { type LockOptions, lockOrFindOther } from "./lock.ts";
import { openRootSecret } from "./root-secret.ts";
import { deriveSecrets } from "./secrets.ts";
import { RunningService } from "./service.ts";

export type ServeOptions = {
  readonly folders: PlatformFolders;
  readonly version: string;
  /** 0: never ends by itself. */
  readonly idleMs: number;
  /** Told by one byte that the service answers. */
  readonly readyFd?: number;
  /** What systemd listens on already. */
  readonly passed?: PassedSockets;
};

export type PassedSockets = { readonly platform?: number; readonly aesm?: number };

/** Resolves when the service has ended, and all its sockets are closed. */
export async function serve(options: ServeOptions): Promise<void> {
  const { folders } = options;
  process.umask(0o077);
  const stopped = stopSignals();
  const locked = await lockOrFindOther({ folders, claim: claimOf(options) });
  if (locked === "other") {
    if (options.readyFd !== undefined) announce(options.readyFd);
    return;
  }
  const secrets = deriveSecrets(openRootSecret(folders.state));
  const service = new RunningService(options, secrets, locked.inherited);
  await service.listen();
  try {
    if (options.readyFd !== undefined) {
      announce(options.readyFd);
    }
    service.watch();
    await Promise.race([stopped, service.ended]);
  } finally {
    await service.close();
  }
}

function claimOf({ readyFd, passed = {} }: ServeOptions): LockOptions["claim"] {
  if (Object.keys(passed).length > 0) return "heir";
  return readyFd === undefined ? "alone" : "content";
}

/** Until now standard error was the same pipe, for the reason of a failure. */
function announce(readyFd: number): void {
  const sink = openSync("/dev/null", "r+");
  plannerCalls.duplicate(sink as Fd, 2);
  closeSync(sink);
  writeSync(readyFd, "R");
  closeSync(readyFd);
}

function stopSignals(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      process.on(signal, () => resolve());
    }
  });
}
