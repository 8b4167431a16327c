// SPDX-License-Identifier: Apache-2.0
/** Where a platform service is: docs/protocol/platform-service.md, "Where it is". */
import { RuneError } from "../errors/error.ts";

export type PlatformFolders = {
  /** The sockets; open to all who may use the platform. */
  readonly runtime: string;
  /** The secret, its lock, and the owner's socket. */
  readonly state: string;
};

export type Surroundings = {
  /** Whether root's places are the caller's: a user namespace's root is the user who made it. */
  readonly isRoot: boolean;
  /** A variable of the caller's; undefined or "" where it is not set. */
  readonly variable: (name: string) => string | undefined;
};

/** sun_path has 108 bytes with its end; the longest names are `/aesmd/aesm.socket` and `/control.sock` or `/metrics.sock`. */
const runtimeMaxBytes = 80;
const stateMaxBytes = 94;

/**
 * Undefined where the caller wants none.
 * @throws RuneError USAGE for a folder that cannot be one, or where a user's are not known
 */
export function platformFolders({ isRoot, variable }: Surroundings): PlatformFolders | undefined {
  const chosen = variable("INCLAVARE_PLATFORM") ?? "";
  if (chosen === "off") return undefined;
  const runtime =
    chosen === "" ? usualRuntime(isRoot, variable) : absolute("INCLAVARE_PLATFORM", chosen);
  const state = stateFolder(isRoot, variable);
  requireShort(runtime, runtimeMaxBytes);
  requireShort(state, stateMaxBytes);
  return { runtime, state };
}

export function emulatorSocket({ runtime }: PlatformFolders): string {
  return `${runtime}/platform.sock`;
}

/**
 * Not in the runtime folder, which containers get: their root, or any root with CAP_DAC_OVERRIDE, may
 * connect to a socket of mode 0600 that it can see, and one word replaces the machine's secret.
 */
export function controlSocket({ state }: PlatformFolders): string {
  return `${state}/control.sock`;
}

/** Beside it, for the same reason: what other containers do is no container's business. */
export function metricsSocket({ state }: PlatformFolders): string {
  return `${state}/metrics.sock`;
}

/** What a container gets as /var/run/aesmd. */
export function aesmFolder({ runtime }: Pick<PlatformFolders, "runtime">): string {
  return `${runtime}/aesmd`;
}

export function aesmSocket(folders: PlatformFolders): string {
  return `${aesmFolder(folders)}/aesm.socket`;
}

function usualRuntime(isRoot: boolean, variable: Surroundings["variable"]): string {
  if (isRoot) return "/run/inclavare-platform";
  const directory = variable("XDG_RUNTIME_DIR") ?? "";
  if (directory.startsWith("/")) return `${directory}/inclavare-platform`;
  throw misplaced("XDG_RUNTIME_DIR is not set");
}

function stateFolder(isRoot: boolean, variable: Surroundings["variable"]): string {
  const chosen = variable("INCLAVARE_PLATFORM_STATE") ?? "";
  if (chosen !== "") return absolute("INCLAVARE_PLATFORM_STATE", chosen);
  if (isRoot) return "/var/lib/inclavare/platform";
  const states = variable("XDG_STATE_HOME") ?? "";
  if (states.startsWith("/")) return `${states}/inclavare/platform`;
  const home = variable("HOME") ?? "";
  if (home.startsWith("/")) return `${home}/.local/state/inclavare/platform`;
  throw misplaced("neither XDG_STATE_HOME nor HOME is set");
}

function absolute(name: string, path: string): string {
  // It becomes a mount's destination, too.
  if (/^(\/(?!\.{1,2}(\/|$))[^/\0]+)+$/.test(path)) return path;
  throw misplaced(`${name} is \`${path}\`, which is no absolute path without . and ..`);
}

function requireShort(folder: string, maxBytes: number): void {
  if (Buffer.byteLength(folder) <= maxBytes) return;
  throw misplaced(`\`${folder}\` is longer than ${maxBytes} bytes`);
}

function misplaced(reason: string): RuneError {
  return new RuneError({
    code: "USAGE",
    doing: "find the platform service's place",
    reason,
    hint: "INCLAVARE_PLATFORM and INCLAVARE_PLATFORM_STATE name folders; INCLAVARE_PLATFORM=off does without a service",
  });
}
