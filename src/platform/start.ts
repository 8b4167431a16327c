// SPDX-License-Identifier: Apache-2.0
/**
 * Starts the platform service where none runs: docs/protocol/platform-service.md, "How it is started".
 * Imported by `rune` too, so without node: modules.
 */
import { RuneError } from "../errors/error.ts";
import { ECONNREFUSED, ENOENT } from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno } from "../kernel/kernel.ts";
import { isInUserNamespace } from "../kernel/user-namespace.ts";
import { emulatorSocket, type PlatformFolders } from "./folders.ts";
import { makeOwnFolder, type Owner } from "./own-folder.ts";

/** The service's user, as root; without one in /etc/passwd, a number that no distribution gives away. */
const userName = "inclavare-platform";
const usualId = 61_312;

export type StartOptions = {
  readonly kernel: Kernel;
  /** Where the engine and platform-launch are. */
  readonly libDir: string;
  readonly folders: PlatformFolders;
  /** Seconds; the service's own default where absent. */
  readonly idleTimeout?: number;
};

/** Returns when a service answers, an old one or a new one; whether it is a new one. */
export function startPlatform(options: StartOptions): boolean {
  const { kernel, folders } = options;
  const socket = emulatorSocket(folders);
  if (answers(kernel, socket)) return false;
  const identity = prepareFolders(kernel, folders);
  launch(options, identity);
  if (answers(kernel, socket)) return true;
  throw new RuneError({
    code: "PLATFORM_SERVICE",
    doing: "start the platform service",
    reason: "it has ended; what it said of the reason is on standard error",
    hint: `it keeps its secret in \`${folders.state}\`; \`INCLAVARE_PLATFORM=off\` does without a service, with keys that everybody knows`,
  });
}

/** Not that of a user namespace, as podman's is for whoever is not root. */
function isMachinesRoot(kernel: Kernel): boolean {
  return kernel.euid() === 0 && !isInUserNamespace(kernel);
}

/** Whether root's places are the caller's: runc's rule for its state, `rune --root`. */
export function usesRootsPlaces(
  kernel: Kernel,
  variable: (name: string) => string | undefined,
): boolean {
  if (kernel.euid() !== 0) return false;
  const playsRoot = variable("USER") === "root" || (variable("XDG_RUNTIME_DIR") ?? "") === "";
  return playsRoot || !isInUserNamespace(kernel);
}

/** Whether a service listens there; it stays for its idle time then. */
export function answers(kernel: Kernel, socket: string): boolean {
  const connection = unlessErrno(() => kernel.connectUnix(socket), ENOENT, ECONNREFUSED);
  if (connection === undefined) return false;
  kernel.close(connection);
  return true;
}

/** Undefined for a caller that is not root: the service is then the caller's own. */
function prepareFolders(kernel: Kernel, { runtime, state }: PlatformFolders): Owner | undefined {
  const owner = isMachinesRoot(kernel) ? serviceIdentity(kernel, state) : undefined;
  makeOwnFolder(kernel, { path: state, mode: 0o700, owner });
  makeOwnFolder(kernel, { path: runtime, mode: 0o755, owner });
  return owner;
}

/** Whoever the state belongs to: another user could not read it. */
function serviceIdentity(kernel: Kernel, state: string): Owner {
  // Not by way of a link: makeOwnFolder refuses one.
  const found = unlessErrno(() => kernel.lstat(state), ENOENT);
  if (found !== undefined && found.uid !== 0) return { uid: found.uid, gid: found.gid };
  const passwd = unlessErrno(() => readText(kernel, "/etc/passwd"), ENOENT) ?? "";
  const users = passwd.split("\n").map((line) => line.split(":"));
  const own = users.find(([name]) => name === userName);
  const [uid, gid] = [Number(own?.[2]), Number(own?.[3])];
  if (uid > 0 && gid > 0) return { uid, gid };
  let id = usualId;
  while (users.some(([, , taken]) => taken === String(id))) id++;
  return { uid: id, gid: id };
}

function launch(options: StartOptions, identity: Owner | undefined): void {
  const { kernel, libDir, folders, idleTimeout } = options;
  const numbers = identity === undefined ? ["-", "-"] : [`${identity.uid}`, `${identity.gid}`];
  const idle = idleTimeout === undefined ? [] : ["--idle-timeout", `${idleTimeout}`];
  const pid = kernel.spawn({
    path: `${libDir}/platform-launch`,
    argv: [
      "platform-launch",
      ...numbers,
      `${libDir}/engine`,
      "sgx-tools",
      "platform",
      "serve",
      ...["--runtime", folders.runtime, "--state", folders.state, "--ready-fd", "3"],
      ...idle,
    ],
    env: [],
  });
  kernel.reap(pid);
}
