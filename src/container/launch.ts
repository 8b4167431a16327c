// SPDX-License-Identifier: Apache-2.0
/** Making a container up to the point where its payload may start: the common part of create and run. */
import {
  type CgroupDirectory,
  cgroupPids,
  createCgroup,
  locateCgroup,
  tasksFiles,
  unifiedPath,
} from "../cgroups/cgroup.ts";
import { isUnifiedOnly, readHierarchies } from "../cgroups/layout.ts";
import { applyLimits } from "../cgroups/limits.ts";
import { RuneError } from "../errors/error.ts";
import { O_RDONLY, O_RDWR } from "../kernel/constants.ts";
import type { Fd, Kernel, Pid } from "../kernel/kernel.ts";
import type { Config } from "../oci/config.ts";
import { cloneFlags } from "../oci/namespaces.ts";
import { planContainer } from "../plan/container.ts";
import type { LaunchInput } from "../plan/host.ts";
import { isNew } from "../plan/namespaces.ts";
import { unknownCapabilities } from "../plan/process.ts";
import { type Bundle, checkSupported } from "./bundle.ts";
import { receive, sendRun } from "./channel.ts";
import type { Deps } from "./deps.ts";
import { destroy } from "./destroy.ts";
import { writePidFile } from "./pid-file.ts";
import { inheritPreserved, preservedDescriptors, spawnRunelet, submitPlan } from "./runelet.ts";
import { seccompOf } from "./seccomp.ts";
import { type State, stateSchema } from "./state.ts";
import { readProcess } from "./status.ts";
import { ContainerDirectory } from "./store.ts";

export type LaunchRequest = {
  readonly id: string;
  readonly bundle: Bundle;
  /** Where the terminal is sent. */
  readonly console?: Fd;
  readonly pidFile?: string;
  readonly noPivot: boolean;
  readonly preserveFds: number;
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

/** Makes the container, or leaves nothing of it behind. The caller releases the directory. */
export function launch(deps: Deps, request: LaunchRequest): Launched {
  const { bundle } = request;
  checkSupported(bundle.config);
  checkDescriptors(deps, request.preserveFds);
  for (const name of unknownCapabilities(bundle.config.process.capabilities)) {
    deps.warn(`ignoring unknown capability \`${name}\``);
  }
  const directory = ContainerDirectory.create(deps.kernel, deps.root, request.id);
  const attempt = new Attempt(deps, request, directory);
  try {
    return attempt.launch();
  } catch (error) {
    attempt.undo();
    throw error;
  }
}

type Descriptors = Pick<LaunchInput, "namespaces" | "consoleSocket" | "fifo"> & {
  readonly all: readonly Fd[];
};

/** One launch and what it has made so far. */
class Attempt {
  readonly #deps: Deps;
  readonly #kernel: Kernel;
  readonly #request: LaunchRequest;
  readonly #bundle: Bundle;
  readonly #directory: ContainerDirectory;
  #cgroup: CgroupDirectory[] = [];
  #channel: Fd | undefined;

  constructor(deps: Deps, request: LaunchRequest, directory: ContainerDirectory) {
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
    const located = locateCgroup(hierarchies, config.linux?.cgroupsPath, this.#request.id);
    // Before the state file names it: `delete --force` kills what is in the cgroup.
    refuseOccupied(kernel, located);
    // Before anything else exists: whoever finds the state file can remove all that follows.
    this.#directory.writeState(this.#state(located));
    const descriptors = this.#openDescriptors();
    const runelet = spawnRunelet(this.#deps, descriptors.all);
    this.#channel = runelet.channel;
    this.#makeCgroup(located);
    const input = this.#input(descriptors, isUnifiedOnly(hierarchies));
    const plan = planContainer(config, input, this.#bundle.path);
    inheritPreserved(plan, this.#request.preserveFds);
    submitPlan(this.#deps, runelet, plan);
    const pid = this.#awaitReady(runelet.channel);
    const state = this.#state(this.#cgroup, pid);
    this.#directory.writeState(state);
    if (this.#request.pidFile !== undefined) writePidFile(kernel, this.#request.pidFile, pid);
    sendRun(kernel, runelet.channel);
    return { directory: this.#directory, state, pid, channel: runelet.channel };
  }

  /** Takes back everything, in the reverse order; a failure here must not hide the first one. */
  undo(): void {
    // Without its channel the child ends by itself, also where there is no cgroup to find it in.
    if (this.#channel !== undefined) this.#kernel.close(this.#channel);
    try {
      destroy(this.#deps, this.#directory, this.#state(this.#cgroup));
    } catch (error) {
      const { message } = RuneError.from(error, "undo");
      this.#deps.warn(`\`rune delete --force ${this.#request.id}\` has to finish this: ${message}`);
    }
    this.#directory.release();
  }

  #makeCgroup(located: CgroupDirectory[]): void {
    const resources = this.#bundle.config.linux?.resources ?? {};
    const limited = Object.keys(resources).some((name) => name !== "devices");
    this.#cgroup = located;
    this.#cgroup = createCgroup(this.#kernel, located, limited);
    if (this.#cgroup.length > 0) applyLimits(this.#kernel, this.#cgroup, resources);
  }

  /** Everything of ours that the child gets; runelet inherits it when it starts. */
  #openDescriptors(): Descriptors {
    const kernel = this.#kernel;
    const namespaces = openNamespaces(kernel, this.#bundle.config);
    const consoleSocket = this.#request.console;
    const fifo = this.#request.waitsForStart ? this.#makeFifo() : undefined;
    const all = [...namespaces.values(), ...preservedDescriptors(this.#request.preserveFds)];
    if (consoleSocket !== undefined) all.push(consoleSocket);
    if (fifo !== undefined) all.push(fifo);
    return {
      all,
      namespaces,
      ...(consoleSocket === undefined ? {} : { consoleSocket }),
      ...(fifo === undefined ? {} : { fifo }),
    };
  }

  #input({ all: _, ...descriptors }: Descriptors, unifiedOnly: boolean): LaunchInput {
    const unified = unifiedPath(this.#cgroup);
    return {
      ...descriptors,
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
      ...seccompOf(this.#deps, this.#bundle.config),
      noPivot: this.#request.noPivot,
      euid: this.#kernel.euid(),
    };
  }

  #makeFifo(): Fd {
    this.#kernel.mkfifo(this.#directory.fifo, 0o600);
    return this.#kernel.open(this.#directory.fifo, O_RDWR);
  }

  /** PID and READY come from two processes, in either order. */
  #awaitReady(channel: Fd): Pid {
    for (let pid: Pid | undefined, ready = false; ; ) {
      if (pid !== undefined && ready) return pid;
      const message = receive(this.#kernel, channel);
      switch (message.kind) {
        case "pid":
          pid = message.pid;
          break;
        case "ready":
          ready = true;
          break;
        case "failed":
          throw message.error;
        case "end":
          throw died("it died without a word");
      }
    }
  }

  #state(cgroup: readonly CgroupDirectory[], pid?: Pid): State {
    const { config, path, rootfs } = this.#bundle;
    const namespaces = config.linux?.namespaces ?? [];
    const startTime = pid === undefined ? undefined : readProcess(this.#kernel, pid)?.startTime;
    if (pid !== undefined && startTime === undefined) throw died("it died before it was started");
    return {
      schema: stateSchema,
      writer: this.#deps.version,
      id: this.#request.id,
      bundle: path,
      rootfs,
      ociVersion: config.ociVersion,
      created: new Date().toISOString(),
      ownerUid: this.#kernel.euid(),
      annotations: config.annotations ?? {},
      ...(pid === undefined || startTime === undefined ? {} : { init: { pid, startTime } }),
      cgroup,
      namespaces: namespaces.reduce((flags, { type }) => flags | cloneFlags[type], 0),
      ownPidNamespace: isNew(config, "pid"),
    };
  }
}

function refuseOccupied(kernel: Kernel, located: readonly CgroupDirectory[]): void {
  const occupants = cgroupPids(kernel, located).length;
  if (occupants === 0) return;
  const doing = `use cgroup \`${located[0]?.path}\``;
  const reason = `it is not empty: ${occupants} processes`;
  throw new RuneError({ code: "CGROUP", doing, reason });
}

/** Opens the namespaces to join, so that what is checked is what is joined. */
function openNamespaces(kernel: Kernel, config: Config): Map<string, Fd> {
  const open = new Map<string, Fd>();
  for (const { path } of config.linux?.namespaces ?? []) {
    if (path !== undefined && path !== "") open.set(path, kernel.open(path, O_RDONLY));
  }
  return open;
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
