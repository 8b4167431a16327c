// SPDX-License-Identifier: Apache-2.0
/** Making a container up to the point where its payload may start: the common part of create and run. */
import {
  type CgroupDirectory,
  cgroupPids,
  createCgroup,
  locateCgroup,
  removeMade,
  tasksFiles,
  unifiedPath,
} from "../cgroups/cgroup.ts";
import { isUnifiedOnly, readHierarchies } from "../cgroups/layout.ts";
import { applyLimits, hasLimits, ignoredLimits, limitProcesses } from "../cgroups/limits.ts";
import { giveCgroup } from "../cgroups/ownership.ts";
import type { ContainerUnit } from "../cgroups/unit.ts";
import { withoutSecrets } from "../enclave/mentions.ts";
import { RuneError } from "../errors/error.ts";
import { ENOENT } from "../kernel/constants.ts";
import { type Fd, type Kernel, type Pid, unlessErrno } from "../kernel/kernel.ts";
import { isInUserNamespace } from "../kernel/user-namespace.ts";
import type { Config } from "../oci/config.ts";
import { cloneFlags } from "../oci/namespaces.ts";
import { cgroupOwner } from "../plan/cgroup-owner.ts";
import { planContainer } from "../plan/container.ts";
import type { LaunchInput } from "../plan/host.ts";
import { isNew } from "../plan/namespaces.ts";
import { unknownCapabilities } from "../plan/process.ts";
import { type Caller, checkUser, idMaps, isHostRoot } from "../plan/user.ts";
import { unmappedGids } from "../plan/user-mounts.ts";
import type { SeccompFilter } from "../seccomp/filter.ts";
import { type Bundle, checkSupported } from "./bundle.ts";
import { type ChannelMessage, receive, sendMapped } from "./channel.ts";
import type { Deps } from "./deps.ts";
import { type Descriptors, openDescriptors } from "./descriptors.ts";
import { destroy } from "./destroy.ts";
import { type EnclaveLaunch, palDied, palHangs } from "./enclave.ts";
import { mapIds } from "./id-maps.ts";
import { checkLabels } from "./lsm.ts";
import { writePidFile } from "./pid-file.ts";
import { inheritPreserved, reapFailed, spawnRunelet, submitPlan } from "./runelet.ts";
import { type ProcessSettings, type State, stateSchema } from "./state.ts";
import { requireChild } from "./status.ts";
import { ContainerDirectory } from "./store.ts";
import { explainIds } from "./user-hints.ts";

export type LaunchRequest = {
  readonly id: string;
  readonly bundle: Bundle;
  /** Where the terminal is sent. */
  readonly console?: Fd;
  readonly pidFile?: string;
  readonly noPivot: boolean;
  readonly noNewKeyring: boolean;
  readonly preserveFds: number;
  readonly enclave?: EnclaveLaunch;
  readonly seccomp?: SeccompFilter;
  /** Where systemd makes the cgroups. */
  readonly unit?: ContainerUnit;
  readonly listeningFds: number;
  /** True for `create`: the payload waits for `start`. */
  readonly waitsForStart: boolean;
};

export type Launched = {
  readonly directory: ContainerDirectory;
  readonly state: State;
  readonly pid: Pid;
  readonly channel: Fd;
};

/**
 * Makes the container, or leaves nothing of it behind. Its init waits for RUN on the channel; the
 * caller sends that, and releases the directory.
 */
export function launch(deps: Deps, request: LaunchRequest): Launched {
  const { bundle } = request;
  checkSupported(bundle.config);
  checkLabels(deps.kernel, bundle.config.process, bundle.config.linux?.mountLabel);
  const caller = callerOf(deps.kernel);
  checkUser(bundle.config, caller);
  checkDescriptors(deps, request.preserveFds);
  for (const name of unknownCapabilities(bundle.config.process.capabilities)) {
    deps.warn(`ignoring unknown capability \`${name}\``);
  }
  for (const option of unmappedGids(bundle.config)) {
    deps.warn(`ignoring option \`${option}\` of a devpts: the container has no such group`);
  }
  const directory = ContainerDirectory.create(deps.kernel, deps.root, request.id, deps.stickyRoot);
  const attempt = new Attempt(deps, { ...request, caller }, directory);
  try {
    return attempt.launch();
  } catch (error) {
    attempt.undo();
    throw explainIds(error, bundle.config, caller);
  }
}

type Attempted = LaunchRequest & { readonly caller: Caller };

/** One launch and what it has made so far. */
class Attempt {
  readonly #deps: Deps;
  readonly #kernel: Kernel;
  readonly #request: Attempted;
  readonly #bundle: Bundle;
  readonly #directory: ContainerDirectory;
  #cgroup: CgroupDirectory[] = [];
  readonly #madeCgroups: string[] = [];
  #channel: Fd | undefined;

  constructor(deps: Deps, request: Attempted, directory: ContainerDirectory) {
    this.#deps = deps;
    this.#kernel = deps.kernel;
    this.#request = request;
    this.#bundle = request.bundle;
    this.#directory = directory;
  }

  launch(): Launched {
    const kernel = this.#kernel;
    const hierarchies = readHierarchies(kernel);
    const { config } = this.#bundle;
    const { unit, id } = this.#request;
    const located =
      unit?.locate(hierarchies) ?? locateCgroup(hierarchies, config.linux?.cgroupsPath, id);
    // Before the state file names it: `delete --force` kills what is in the cgroup.
    refuseOccupied(kernel, located);
    // Before anything else exists: whoever finds the state file can remove all that follows.
    this.#directory.writeState(this.#state(located));
    const descriptors = openDescriptors(this.#deps, this.#request, this.#directory);
    const runelet = spawnRunelet(this.#deps, descriptors.all);
    this.#channel = runelet.channel;
    const { pids, ...atOnce } = config.linux?.resources ?? {};
    const version = isUnifiedOnly(hierarchies) ? 2 : 1;
    unit?.start(runelet.pid, atOnce, version);
    this.#makeCgroup(located);
    const input = this.#input(descriptors, isUnifiedOnly(hierarchies));
    const plan = planContainer(config, input, this.#bundle.path);
    inheritPreserved(plan, this.#request.preserveFds);
    submitPlan(this.#deps, runelet, plan);
    const pid = this.#awaitReady(runelet.channel);
    kernel.reap(runelet.pid); // the parent: it ends once it has told us the child's pid
    if (pids !== undefined) unit?.setResources({ pids }, version);
    unit?.close();
    limitProcesses(kernel, this.#cgroup, config.linux?.resources ?? {});
    const state = this.#state(this.#cgroup, pid);
    this.#directory.writeState(state);
    if (this.#request.pidFile !== undefined) writePidFile(kernel, this.#request.pidFile, pid);
    return { directory: this.#directory, state, pid, channel: runelet.channel };
  }

  /** Takes back everything, in the reverse order; a failure here must not hide the first one. */
  undo(): void {
    // Without its channel the child ends by itself, also where there is no cgroup to find it in.
    if (this.#channel !== undefined) this.#kernel.close(this.#channel);
    try {
      destroy(this.#deps, this.#directory, this.#state(this.#cgroup), this.#request.unit);
      removeMade(this.#kernel, this.#madeCgroups);
    } catch (error) {
      const { message } = RuneError.from(error, "undo");
      this.#deps.warn(`\`rune delete --force ${this.#request.id}\` has to finish this: ${message}`);
    }
    reapFailed(this.#deps);
    this.#directory.release();
  }

  #makeCgroup(located: CgroupDirectory[]): void {
    const resources = this.#bundle.config.linux?.resources ?? {};
    this.#cgroup = located;
    for (const ignored of ignoredLimits(resources)) this.#deps.warn(ignored);
    const demand = {
      limited: hasLimits(resources),
      named: (this.#bundle.config.linux?.cgroupsPath ?? "") !== "",
      optional: () => this.#mayLackCgroup(),
    };
    this.#cgroup = createCgroup(this.#kernel, located, demand, this.#madeCgroups);
    applyLimits(this.#kernel, this.#cgroup, resources);
    const owner = cgroupOwner(this.#bundle.config);
    if (owner !== undefined) giveCgroup(this.#kernel, this.#cgroup, owner);
  }

  #mayLackCgroup(): boolean {
    const { rootless } = this.#deps;
    return rootless === "auto" ? !isHostRoot(this.#request.caller) : rootless === "true";
  }

  #input({ all: _, ...descriptors }: Descriptors, unifiedOnly: boolean): LaunchInput {
    const unified = unifiedPath(this.#cgroup);
    const { seccomp } = this.#request;
    return {
      ...descriptors,
      id: this.#request.id,
      rootfs: this.#bundle.rootfs,
      unifiedOnly,
      cgroups: {
        mounts: this.#cgroup.map(({ version, controllers, path }) => ({
          version,
          path,
          name: version === 2 ? "unified" : controllers.join(",").replace("name=", ""),
          options: controllers,
        })),
        tasksFiles: tasksFiles(this.#cgroup),
        ...(unified === undefined ? {} : { unified }),
      },
      preservedFds: this.#request.preserveFds,
      listeningFds: this.#request.listeningFds,
      noPivot: this.#request.noPivot,
      newKeyring: !this.#request.noNewKeyring,
      hasKcore: unlessErrno(() => this.#kernel.lstat("/proc/kcore"), ENOENT) !== undefined,
      ...(seccomp === undefined ? {} : { seccomp }),
      caller: this.#request.caller,
    };
  }

  /** PID and READY come from two processes, in either order. */
  #awaitReady(channel: Fd): Pid {
    const { pal } = this.#request.enclave ?? {};
    const deadlineMs = pal === undefined ? undefined : this.#kernel.nowMs() + pal.initTimeoutMs;
    for (let pid: Pid | undefined, ready = false; ; ) {
      if (pid !== undefined && ready) return pid;
      const message = this.#receive(channel, deadlineMs);
      switch (message.kind) {
        case "pid":
          pid = message.pid;
          break;
        case "ready":
          ready = true;
          break;
        case "map":
          mapIds(this.#deps, message.pid, idMaps(this.#bundle.config, this.#request.caller));
          sendMapped(this.#kernel, channel);
          break;
        case "failed":
          throw message.error;
        case "end":
          throw pal === undefined ? died("it died without a word") : palDied(pal);
      }
    }
  }

  /** The next message; a PAL has to be done with pal_init by the deadline. */
  #receive(channel: Fd, deadlineMs: number | undefined): ChannelMessage {
    const { pal } = this.#request.enclave ?? {};
    if (deadlineMs !== undefined && pal !== undefined) {
      const leftMs = Math.max(0, deadlineMs - this.#kernel.nowMs());
      if (!this.#kernel.waitReadable(channel, leftMs)) throw palHangs(pal);
    }
    return receive(this.#kernel, channel);
  }

  #state(cgroup: readonly CgroupDirectory[], pid?: Pid): State {
    const { config, path, rootfs } = this.#bundle;
    const { enclave, unit } = this.#request;
    const namespaces = config.linux?.namespaces ?? [];
    const init = pid === undefined ? undefined : requireChild(this.#kernel, pid);
    return {
      schema: stateSchema,
      writer: this.#deps.version,
      id: this.#request.id,
      bundle: path,
      rootfs,
      ociVersion: config.ociVersion,
      created: new Date().toISOString(),
      ownerUid: this.#kernel.euid(),
      annotations: withoutSecrets(config.annotations ?? {}),
      ...(init === undefined ? {} : { init: { pid: init.pid, startTime: init.startTime } }),
      cgroup,
      ...(unit?.isOurs === true ? { systemd: unit.record } : {}),
      ...(enclave === undefined ? {} : { enclave: enclave.state, enclave_config: enclave.record }),
      processes: processSettings(config, !this.#request.noNewKeyring),
      namespaces: namespaces.reduce((flags, { type }) => flags | cloneFlags[type], 0),
      ownPidNamespace: isNew(config, "pid"),
    };
  }
}

function callerOf(kernel: Kernel): Caller {
  const [euid, egid] = [kernel.euid(), kernel.egid()];
  return { euid, egid, inUserNamespace: isInUserNamespace(kernel) };
}

function processSettings({ linux = {} }: Config, keyring: boolean): ProcessSettings {
  const { personality, memoryPolicy } = linux;
  return {
    keyring,
    ...(personality === undefined ? {} : { personality }),
    ...(memoryPolicy === undefined ? {} : { memoryPolicy }),
  };
}

function refuseOccupied(kernel: Kernel, located: readonly CgroupDirectory[]): void {
  const occupants = cgroupPids(kernel, located).length;
  if (occupants === 0) return;
  const doing = `use cgroup \`${located[0]?.path}\``;
  const reason = `it is not empty: ${occupants} processes`;
  throw new RuneError({ code: "CGROUP", doing, reason });
}

/** --preserve-fds may name only what the caller had open: never a descriptor of ours. */
export function checkDescriptors({ openDescriptors }: Deps, count: number): void {
  for (let fd = 3; fd < 3 + count; fd++) {
    if (openDescriptors.has(fd)) continue;
    const doing = `preserve ${count} descriptors`;
    throw new RuneError({ code: "USAGE", doing, reason: `descriptor ${fd} is not open` });
  }
}

function died(reason: string): RuneError {
  return new RuneError({ code: "RUNELET", doing: "start the container's init", reason });
}
