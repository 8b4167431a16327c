// SPDX-License-Identifier: Apache-2.0
/** criu as a process: started for each request, as `criu swrk`, and gone when it is answered. */
import { converse } from "../criu/conversation.ts";
import {
  type CriuRequest,
  type CriuResponse,
  type Feature,
  versionNumber,
} from "../criu/messages.ts";
import { RuneError } from "../errors/error.ts";
import { EEXIST, ENOENT, O_DIRECTORY, O_RDONLY } from "../kernel/constants.ts";
import { type Fd, type Kernel, type Pid, unlessErrno } from "../kernel/kernel.ts";
import { isInUserNamespace } from "../kernel/user-namespace.ts";
import { type CriuInput, planCriu } from "../plan/restore.ts";
import { awaitReady } from "./await-ready.ts";
import { receive, runDetached } from "./channel.ts";
import type { Deps } from "./deps.ts";
import { type Runelet, spawnRunelet, submitPlan } from "./runelet.ts";

/** Namespaces of others since then for network and pid, and `status-ready`: criu's release notes. */
const oldestVersion = versionNumber(3, 15);

export type CriuProcess = { readonly socket: Fd; readonly pid: Pid };

export type CriuPlace = Pick<CriuInput, "container" | "inherited"> & {
  /** Called when the process is there, before it joins anything. */
  readonly started?: (pid: Pid) => void;
  /** Called when it is where it belongs, before it becomes criu. */
  readonly placed?: (pid: Pid) => void;
};

/** Starts criu, and ends it when `use` is through. @throws RuneError CRIU where there is none */
export function withCriu<T>(deps: Deps, place: CriuPlace, use: (criu: CriuProcess) => T): T {
  const { kernel, criu } = deps;
  const [socket, theirs] = kernel.packetPair();
  const plan = planCriu({
    program: criu.program,
    searchPath: deps.searchPath(),
    environment: criu.environment(),
    socket: theirs,
    ...(place.inherited === undefined ? {} : { inherited: place.inherited }),
    ...(place.container === undefined ? {} : { container: place.container }),
  });
  const runelet = spawnRunelet(deps, plan.inherited);
  try {
    try {
      place.started?.(runelet.pid);
      submitPlan(deps, runelet, plan);
      becomeCriu(deps, runelet, () => place.placed?.(runelet.pid));
    } catch (error) {
      kernel.close(runelet.channel); // ends it
      throw error;
    }
    return use({ socket, pid: runelet.pid });
  } finally {
    kernel.close(socket);
    kernel.reap(runelet.pid);
  }
}

function becomeCriu(deps: Deps, { channel, pid }: Runelet, placed: () => void): void {
  const { kernel, criu } = deps;
  try {
    awaitReady(kernel, channel, { receive: () => receive(kernel, channel), own: pid, died });
    placed();
    runDetached(kernel, channel);
  } catch (error) {
    const cause = RuneError.from(error, "start criu");
    if (cause.code !== "EXEC_NOT_FOUND" && cause.code !== "EXEC_FAILED") throw error;
    throw new RuneError({
      code: "CRIU",
      doing: `start \`${criu.program}\``,
      reason: cause.reason,
      hint: "install criu, or say with `rune --criu PATH` where it is",
      cause,
    });
  }
}

/** One request outside of any container. */
export function askCriu(deps: Deps, request: CriuRequest): CriuResponse {
  return withCriu(deps, {}, ({ socket }) => converse(deps.kernel, socket, request));
}

/** @throws RuneError CRIU where it is older than everything here relies on */
export function requireVersion(deps: Deps): number {
  const { version = 0 } = askCriu(deps, { type: "version" });
  deps.step?.(`criu has version ${version}`);
  if (version >= oldestVersion) return version;
  throw new RuneError({
    code: "CRIU",
    doing: `use \`${deps.criu.program}\``,
    reason: `its version is ${versionText(version)}, ${versionText(oldestVersion)} or newer is needed`,
    hint: "install a newer criu, or say with `rune --criu PATH` where one is",
  });
}

function versionText(version: number): string {
  const [major, minor, sublevel] = [version / 10000, (version / 100) % 100, version % 100];
  return [major, minor, ...(sublevel === 0 ? [] : [sublevel])].map(Math.floor).join(".");
}

const featureReasons: Readonly<Record<Feature, string>> = {
  memTrack: "this kernel does not track which pages change (CONFIG_MEM_SOFT_DIRTY)",
  lazyPages: "this kernel has no userfaultfd, or criu was built without it",
};

/** @throws RuneError HOST_UNSUPPORTED */
export function requireFeature(deps: Deps, feature: Feature, option: string): void {
  const { features } = askCriu(deps, { type: "featureCheck" });
  if (features?.[feature] === true) return;
  const reason = featureReasons[feature];
  throw new RuneError({ code: "HOST_UNSUPPORTED", doing: `use \`${option}\``, reason });
}

/** As runc: criu wants root of the host, and nobody has tried what else may do. */
export function warnUnlessRoot({ kernel, warn }: Deps, verb: string): void {
  if (kernel.euid() === 0 && !isInUserNamespace(kernel)) return;
  warn(`${verb} is untested without the rights of the host's root`);
}

/** The directory, made where it is missing; its parents too. */
export function openOrMake(kernel: Kernel, path: string): Fd {
  makeDirectory(kernel, path);
  return openDirectory(kernel, path);
}

export function openDirectory(kernel: Kernel, path: string): Fd {
  return kernel.open(path, O_RDONLY | O_DIRECTORY);
}

function makeDirectory(kernel: Kernel, path: string): void {
  const make = () => unlessErrno(() => kernel.mkdir(path, 0o700), EEXIST);
  const made = unlessErrno(() => {
    make();
    return true;
  }, ENOENT);
  if (made === true) return;
  makeDirectory(kernel, path.slice(0, path.lastIndexOf("/")) || "/");
  make();
}

function died(): RuneError {
  const reason = "runelet died without a word";
  return new RuneError({ code: "RUNELET", doing: "start criu", reason });
}
