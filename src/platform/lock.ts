// SPDX-License-Identifier: Apache-2.0
/** One service a state folder: docs/protocol/platform-service.md, "How it is started". */
import { mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { RuneError } from "../errors/error.ts";
import type { Fd } from "../kernel/kernel.ts";
import { plannerCalls } from "../kernel/planner-calls.ts";
import { askControl } from "./control.ts";
import { controlSocket, emulatorSocket, type PlatformFolders } from "./folders.ts";
import { type Inheritance, readInheritance } from "./registry.ts";

/** How long another service may take to answer, or to end. */
const OTHER_MS = 10_000;
const OTHER_STEP_MS = 20;

export type LockOptions = {
  readonly folders: PlatformFolders;
  /**
   * `alone`: another service is an error. `content`: another that is about to answer is as good as
   * this one. `heir`: systemd has given this one the sockets, so another has to give up its place.
   */
  readonly claim: "alone" | "content" | "heir";
};

/** What a service that has given up its place knew of its clients; "other": there is one that stays. */
export type Locked = { readonly inherited: Inheritance } | "other";

const NOTHING: Inheritance = { enclaves: [], leases: [] };

/** The lock is held until the process ends: two services would hand out keys of two secrets. */
export async function lockOrFindOther({ folders, claim }: LockOptions): Promise<Locked> {
  const path = join(folders.state, "lock");
  const fd = openLock(folders.state, path);
  if (plannerCalls.tryLock(fd)) return { inherited: NOTHING };
  const inherited = claim === "heir" ? await takeOver(folders, path) : NOTHING;
  const deadline = performance.now() + (claim === "alone" ? 0 : OTHER_MS);
  for (;;) {
    if (plannerCalls.tryLock(fd)) return { inherited };
    if (claim === "content" && (await answers(emulatorSocket(folders)))) return "other";
    if (performance.now() >= deadline) throw taken(path);
    await Bun.sleep(OTHER_STEP_MS);
  }
}

async function takeOver(folders: PlatformFolders, path: string): Promise<Inheritance> {
  try {
    return readInheritance(await askControl(controlSocket(folders), { verb: "handover" }));
  } catch (cause) {
    throw taken(path, cause);
  }
}

function taken(path: string, cause?: unknown): RuneError {
  const because =
    cause === undefined
      ? ""
      : `, and does not give up its place: ${RuneError.from(cause, "").reason}`;
  return new RuneError({
    code: "PLATFORM_SERVICE",
    doing: `lock \`${path}\``,
    reason: `another service uses this folder${because}`,
    hint: "`sgx-tools platform stop`, as its owner and with its INCLAVARE_PLATFORM_STATE, ends it",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The service's user may have no way to a folder that the caller has chosen. */
function openLock(folder: string, path: string): Fd {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return openSync(path, "a", 0o600) as Fd;
  } catch (cause) {
    throw new RuneError({
      code: "PLATFORM_SERVICE",
      doing: `open \`${path}\``,
      reason: RuneError.from(cause, "open").reason,
      hint: `user ${process.geteuid?.()} has to be able to enter every folder above it`,
      cause,
    });
  }
}

async function answers(socket: string): Promise<boolean> {
  try {
    const connection = await Bun.connect({ unix: socket, socket: { data: () => {} } });
    connection.terminate();
    return true;
  } catch {
    return false; // nobody listens yet, or any more
  }
}
