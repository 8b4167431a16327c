// SPDX-License-Identifier: Apache-2.0
/** `rune checkpoint`: an ordinary container's processes as files, through criu. */
import { freeze, thaw } from "../cgroups/freezer.ts";
import { isUnifiedOnly, readHierarchies } from "../cgroups/layout.ts";
import { converse, type Notified } from "../criu/conversation.ts";
import { logHint } from "../criu/log.ts";
import type { CriuOptions } from "../criu/messages.ts";
import { resolveInRoot } from "../criu/resolve.ts";
import { RuneError } from "../errors/error.ts";
import {
  ENOENT,
  ENOTDIR,
  O_CREAT,
  O_TRUNC,
  O_WRONLY,
  S_IFDIR,
  S_IFMT,
} from "../kernel/constants.ts";
import { type Fd, type Kernel, readText, unlessErrno } from "../kernel/kernel.ts";
import type { Config } from "../oci/config.ts";
import type { ContainerStatus } from "../oci/state.ts";
import { externalMounts } from "../plan/external-mounts.ts";
import { cleanPath } from "../plan/mounts.ts";
import { readConfig } from "./bundle.ts";
import { requireFeature, requireVersion, warnUnlessRoot, withCriu } from "./criu.ts";
import { openImages } from "./criu-images.ts";
import {
  configFile,
  descriptorsFile,
  externalNamespaces,
  logPath,
  type SharedRequest,
  sharedOptions,
  workDirectory,
} from "./criu-options.ts";
import { closingOnFailure, type Deps } from "./deps.ts";
import { destroy } from "./destroy.ts";
import { externalFifos } from "./external-fifos.ts";
import { callerOf } from "./launch.ts";
import { cgroupPlacement } from "./own-cgroup.ts";
import { absolute } from "./path.ts";
import type { InitProcess, State } from "./state.ts";
import { statusOf } from "./status.ts";
import { ContainerDirectory } from "./store.ts";
import { unitOf } from "./unit.ts";

export type CheckpointRequest = SharedRequest & {
  readonly id: string;
  /** Relative to the images: those of an earlier pre-dump. */
  readonly parentPath?: string;
  readonly leaveRunning: boolean;
  /** Only the memory, and the container goes on. */
  readonly preDump: boolean;
  readonly tcpSkipInFlight: boolean;
  readonly pageServer?: { readonly address: string; readonly port: number };
  /** The caller's descriptor that gets a NUL once lazy pages are served. */
  readonly statusFd?: number;
};

const log = "dump.log";

/** Writes the images; the container is gone afterwards, unless it was to go on. */
export function checkpoint(deps: Deps, request: CheckpointRequest): Promise<void> {
  return closingOnFailure(deps, (own) => checkpointWith(own, request));
}

async function checkpointWith(deps: Deps, request: CheckpointRequest): Promise<void> {
  const { kernel, root } = deps;
  warnUnlessRoot(deps, "checkpoint");
  using directory = ContainerDirectory.open(kernel, root, request.id);
  const state = directory.readState();
  if (state !== undefined) refuseEnclave(state);
  const status = state === undefined ? "creating" : statusOf(kernel, directory.path, state);
  const { init } = state ?? {};
  if (state === undefined || init === undefined || !["running", "paused"].includes(status)) {
    throw wrongStatus(request.id, status);
  }
  checkStatusFd(deps, request);
  requireVersion(deps);
  if (request.preDump) requireFeature(deps, "memTrack", "--pre-dump");
  if (request.lazyPages) requireFeature(deps, "lazyPages", "--lazy-pages");
  const config = readConfig(kernel, state.bundle);
  const images = openImages(kernel, absolute(kernel, request.imagePath), state, init);
  const directories = { images, ...workDirectory(kernel, request) };
  const fifos = externalFifos(kernel, init.pid);
  const options: CriuOptions = {
    ...sharedOptions(request, directories, log),
    ...configFile(config),
    ...memoryOptions(kernel, request),
    pid: init.pid,
    root: state.rootfs,
    leaveRunning: request.leaveRunning,
    tcpSkipInFlight: request.tcpSkipInFlight,
    ...externals(kernel, config, init, fifos),
    ...(request.preDump
      ? {}
      : { externalMounts: dumpedMounts(deps, config, state, init, directory) }),
  };
  if (!request.preDump) writeDescriptors(kernel, images, state, init, fifos);
  const stays = request.leaveRunning || request.preDump;
  dump(deps, request, { state, options, isPaused: status === "paused", stays });
  for (const fd of Object.values(directories)) kernel.close(fd);
  deps.step?.(`the images are in \`${request.imagePath}\``);
  if (stays) return;
  destroy(deps, directory, state, await unitOf(deps, state));
  if ((state.hooks?.poststop ?? []).length === 0) return;
  const { runPoststop } = await import("./hooks.ts");
  runPoststop(deps, state);
}

type Dump = {
  readonly state: State;
  readonly options: CriuOptions;
  readonly isPaused: boolean;
  readonly stays: boolean;
};

function dump(deps: Deps, request: CheckpointRequest, { state, options, isPaused, stays }: Dump) {
  const { kernel } = deps;
  const freezeCgroup = freezerFor(kernel, state);
  // criu knows how to thaw what it freezes itself; else it has to find the processes awake.
  const wakes = isPaused && freezeCgroup === undefined;
  if (wakes) thaw(kernel, state.cgroup);
  let done = false;
  try {
    withCriu(deps, {}, ({ socket }) =>
      converse(
        kernel,
        socket,
        {
          type: request.preDump ? "preDump" : "dump",
          options: freezeCgroup === undefined ? options : { ...options, freezeCgroup },
        },
        announcer(deps, request),
      ),
    );
    done = true;
  } catch (error) {
    throw explained(kernel, error, request);
  } finally {
    if (wakes && (stays || !done)) freeze(kernel, state.cgroup);
  }
}

function explained(kernel: Kernel, error: unknown, request: CheckpointRequest): RuneError {
  const cause = RuneError.from(error, "checkpoint").within(`checkpoint \`${request.id}\``);
  if (cause.code !== "CRIU" || cause.hint !== undefined) return cause;
  const { code, doing, reason } = cause;
  const hint = logHint(kernel, logPath(kernel, request, log));
  return new RuneError({ code, doing, reason, hint, cause: error });
}

/** criu 3.15 says when its page server is there; whoever waits is told by a NUL, as criu itself would. */
function announcer({ kernel, step }: Deps, { statusFd }: CheckpointRequest): Notified {
  return ({ script }) => {
    step?.(`criu: ${script}`);
    if (script !== "status-ready" || statusFd === undefined) return;
    const fd = statusFd as Fd; // open in the caller: checkStatusFd
    kernel.write(fd, new Uint8Array(1));
    kernel.close(fd);
  };
}

function memoryOptions(kernel: Kernel, request: CheckpointRequest): CriuOptions {
  const { parentPath, pageServer, imagePath, preDump } = request;
  if (parentPath !== undefined) requireParent(kernel, absolute(kernel, imagePath), parentPath);
  return {
    ...(parentPath === undefined ? {} : { parentImg: parentPath }),
    ...(parentPath === undefined && !preDump ? {} : { trackMem: true }),
    ...(pageServer === undefined ? {} : { pageServer }),
  };
}

function requireParent(kernel: Kernel, images: string, parentPath: string): void {
  const path = `${images}/${parentPath}`;
  const found = unlessErrno(() => kernel.stat(path), ENOENT, ENOTDIR);
  const reason = parentPath.startsWith("/")
    ? "it must be relative to --image-path"
    : found === undefined || (found.mode & S_IFMT) !== S_IFDIR
      ? `there is no directory \`${path}\``
      : undefined;
  if (reason === undefined) return;
  throw new RuneError({ code: "USAGE", doing: `use --parent-path \`${parentPath}\``, reason });
}

/** Namespaces of others are named, and have to be there again: of these two criu knows how. */
function externals(
  kernel: Kernel,
  { linux = {} }: Config,
  { pid }: InitProcess,
  fifos: readonly (string | undefined)[],
): Pick<CriuOptions, "externals"> {
  const named = (linux.namespaces ?? []).flatMap(({ type, path = "" }) => {
    if (path === "" || (type !== "network" && type !== "pid")) return [];
    const { name, key } = externalNamespaces[type];
    // "net:[4026531840]": of the process, for the path may be gone.
    const inode = /\[(\d+)\]/.exec(kernel.readlink(`/proc/${pid}/ns/${name}`))?.[1];
    return inode === undefined ? [] : [`${name}[${inode}]:${key}`];
  });
  named.push(...new Set(fifos.filter((name) => name !== undefined)));
  return named.length === 0 ? {} : { externals: named };
}

/** By where they are in the container; under the names that `restore` finds them by. */
function dumpedMounts(
  { kernel }: Deps,
  config: Config,
  { bundle, cgroup }: State,
  { pid }: InitProcess,
  directory: ContainerDirectory,
): { key: string; value: string }[] {
  const root = `/proc/${pid}/root`;
  const mounts = externalMounts(config, {
    bundle,
    input: { caller: callerOf(kernel), namespaces: new Map() },
    cgroups: cgroupPlacement(cgroup).mounts,
    unifiedOnly: isUnifiedOnly(readHierarchies(kernel)),
  }).map(({ destination }) => destination);
  const hasNotify = unlessErrno(() => kernel.lstat(`${directory.path}/notify`), ENOENT);
  if (hasNotify !== undefined) mounts.push("/run/notify");
  const masked = (config.linux?.maskedPaths ?? []).map(cleanPath).filter((path) => {
    const found = unlessErrno(() => kernel.lstat(root + resolveInRoot(kernel, root, path)), ENOENT);
    return found !== undefined && (found.mode & S_IFMT) !== S_IFDIR;
  });
  const named = (names: string[], value?: string) =>
    names.map((name) => ({ key: resolveInRoot(kernel, root, name), value: value ?? name }));
  return [...named(mounts), ...named(masked, "/dev/null")];
}

/** The version 1 freezer, or version 2 where that is all there is: how criu tells which it is given. */
function freezerFor(kernel: Kernel, { cgroup }: State): string | undefined {
  const unified = isUnifiedOnly(readHierarchies(kernel));
  return cgroup.find(({ version, controllers }) =>
    unified ? version === 2 : controllers.includes("freezer"),
  )?.path;
}

/**
 * As runc writes it, and in the same file: images of either can be restored by the other. But for fifos of the
 * host's, which runc cannot checkpoint.
 */
function writeDescriptors(
  kernel: Kernel,
  images: Fd,
  { stdio }: State,
  { pid }: InitProcess,
  fifos: readonly (string | undefined)[],
) {
  // States of older builds do not have it.
  const links =
    stdio ??
    [0, 1, 2].map((fd) => unlessErrno(() => kernel.readlink(`/proc/${pid}/fd/${fd}`), ENOENT));
  const text = JSON.stringify(links.map((link, index) => fifos[index] ?? link ?? ""));
  const fd = kernel.openAt(images, descriptorsFile, O_WRONLY | O_CREAT | O_TRUNC, 0o600);
  kernel.write(fd, new TextEncoder().encode(text));
  kernel.close(fd);
}

const O_ACCMODE = 3;

function checkStatusFd({ kernel, openDescriptors }: Deps, { statusFd }: CheckpointRequest): void {
  if (statusFd === undefined) return;
  const reason =
    statusFd > 2 && !openDescriptors.has(statusFd)
      ? "it is not open"
      : (flagsOf(kernel, statusFd) & O_ACCMODE) === 0
        ? "it cannot be written"
        : undefined;
  if (reason === undefined) return;
  throw new RuneError({ code: "USAGE", doing: `use --status-fd ${statusFd}`, reason });
}

/** proc_pid_fdinfo(5): octal. */
function flagsOf(kernel: Kernel, fd: number): number {
  const text = readText(kernel, `/proc/self/fdinfo/${fd}`);
  return Number.parseInt(/^flags:\s+([0-7]+)$/m.exec(text)?.[1] ?? "0", 8);
}

function refuseEnclave({ id, enclave }: State): void {
  if (enclave === undefined) return;
  const reason =
    enclave.pal === undefined
      ? "it has a simulated SGX platform, whose enclaves' keys and memory are not criu's to write down"
      : "it is an enclave container: an enclave's memory cannot be read from outside, nor loaded again";
  const hint = "an application in an enclave has to seal and save its own state";
  throw new RuneError({ code: "CONFIG_UNSUPPORTED", doing: `checkpoint \`${id}\``, reason, hint });
}

function wrongStatus(id: string, status: ContainerStatus): RuneError {
  const doing = `checkpoint \`${id}\``;
  if (status === "stopped") {
    return new RuneError({ code: "CONTAINER_NOT_RUNNING", doing, reason: "it is stopped" });
  }
  const reason = `it is ${status}: only what runs, or is paused, can be checkpointed`;
  return new RuneError({ code: "CONTAINER_STATE", doing, reason });
}
