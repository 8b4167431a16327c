// SPDX-License-Identifier: Apache-2.0
/** Making a container up to the point where its payload may start: the common part of create and run. */
import { type CgroupDirectory, locateCgroup } from "../cgroups/cgroup.ts";
import { isUnifiedOnly, readHierarchies } from "../cgroups/layout.ts";
import { limitProcesses } from "../cgroups/limits.ts";
import { oomKills } from "../cgroups/oom-kills.ts";
import type { ContainerUnit } from "../cgroups/unit.ts";
import { withoutSecrets } from "../enclave/mentions.ts";
import { RuneError } from "../errors/error.ts";
import { ENOENT, O_RDONLY } from "../kernel/constants.ts";
import { type Fd, type Kernel, type Pid, unlessErrno } from "../kernel/kernel.ts";
import { isInUserNamespace } from "../kernel/user-namespace.ts";
import { ociVersion } from "../oci/state.ts";
import { planContainer } from "../plan/container.ts";
import type { LaunchInput } from "../plan/host.ts";
import { joinedNamespace } from "../plan/namespaces.ts";
import { unknownCapabilities } from "../plan/process.ts";
import { type Caller, checkUser, idMaps } from "../plan/user.ts";
import { unmappedGids } from "../plan/user-mounts.ts";
import type { RdtGroups } from "../rdt/groups.ts";
import type { SeccompFilter } from "../seccomp/filter.ts";
import { awaitReady } from "./await-ready.ts";
import { type Bundle, checkSupported } from "./bundle.ts";
import { receive, sendMapped } from "./channel.ts";
import type { Deps } from "./deps.ts";
import { type Descriptors, openDescriptors, openNamespaces } from "./descriptors.ts";
import { type EnclaveLaunch, palDied } from "./enclave.ts";
import { mapIds } from "./id-maps.ts";
import { keepForExec } from "./kept.ts";
import type { LaunchHelpers } from "./launch-helpers.ts";
import { launchState } from "./launch-state.ts";
import { checkLabels } from "./lsm.ts";
import type { NetDevices } from "./net-devices.ts";
import { cgroupPlacement, makeCgroup, refuseOccupied } from "./own-cgroup.ts";
import { PalPatience } from "./pal-patience.ts";
import { sendPidfd, writePidFile } from "./pid-file.ts";
import { inheritPreserved, spawnRunelet, submitPlan } from "./runelet.ts";
import { plannedSeccomp } from "./seccomp.ts";
import type { State } from "./state.ts";
import { requireChild } from "./status.ts";
import { ContainerDirectory } from "./store.ts";
import { takeDevicesBack, undoMaking } from "./undo.ts";
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
  /** Loaded where the configuration has hooks, or a seccomp listener. */
  readonly helpers: LaunchHelpers;
  /** Receives a pidfd of the init. */
  readonly pidfdSocket?: string;
  /** Where systemd makes the cgroups. */
  readonly unit?: ContainerUnit;
  readonly listeningFds: number;
  /** True for `create`: the payload waits for `start`. */
  readonly waitsForStart: boolean;
  /** See the state's field. */
  readonly monitored?: true;
};

export type Launched = {
  readonly directory: ContainerDirectory;
  readonly state: State;
  readonly pid: Pid;
  readonly channel: Fd;
  readonly rdt?: RdtGroups;
};

/**
 * Makes the container, or leaves nothing of it behind. Its init waits for RUN on the channel; the
 * caller sends that, and releases the directory.
 */
export function launch(deps: Deps, request: LaunchRequest): Launched {
  const { config: written } = request.bundle;
  checkSupported(written);
  const { joinedUser } = request.helpers;
  const namespaces = openNamespaces(deps.kernel, written);
  const bundle = {
    ...request.bundle,
    config: joinedUser?.withRealMappings(deps, written, namespaces) ?? written,
  };
  checkLabels(deps.kernel, bundle.config.process, bundle.config.linux?.mountLabel);
  const caller = callerOf(deps.kernel);
  checkUser(bundle.config, caller);
  checkDescriptors(deps, request.preserveFds);
  const { mounts, ociVersion: version } = bundle.config;
  deps.step?.(
    `read bundle \`${bundle.path}\`: version ${version}, root \`${bundle.rootfs}\`, ${mounts?.length ?? 0} mounts`,
  );
  for (const name of unknownCapabilities(bundle.config.process.capabilities)) {
    deps.warn(`ignoring unknown capability \`${name}\``);
  }
  for (const option of unmappedGids(bundle.config)) {
    deps.warn(`ignoring option \`${option}\` of a devpts: the container has no such group`);
  }
  const directory = ContainerDirectory.create(deps.kernel, deps.root, request.id, deps.stickyRoot);
  const attempt = new Attempt(deps, { ...request, bundle, caller, namespaces }, directory);
  try {
    return attempt.launch();
  } catch (error) {
    const explained = attempt.explain(error);
    attempt.undo();
    throw explained;
  }
}

type Attempted = LaunchRequest & {
  readonly caller: Caller;
  /** Those to join, by path: opened once, so that what is checked is what is joined. */
  readonly namespaces: ReadonlyMap<string, Fd>;
};

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
  #devices: NetDevices | undefined;
  #rdt: RdtGroups | undefined;

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
    refuseOccupied(kernel, located);
    this.#findRdtGroups();
    // Before anything else exists: whoever finds the state file can remove all that follows.
    this.#directory.writeState(this.#state(located));
    this.#deps.step?.(`wrote \`${this.#directory.path}/state.json\`: creating`);
    keepForExec(this.#directory, config.process, this.#request.seccomp);
    const { notify } = this.#request.helpers;
    notify?.makeNotifyDirectory(kernel, this.#directory);
    const descriptors = openDescriptors(
      this.#deps,
      this.#request,
      this.#request.namespaces,
      this.#directory,
    );
    const { netDevices } = this.#request.helpers;
    // Devices are moved there when all else is ready.
    const network =
      netDevices === undefined ? undefined : joinedNamespace(config, "network", descriptors);
    const runelet = spawnRunelet(this.#deps, descriptors.all, network);
    this.#channel = runelet.channel;
    const { pids, ...atOnce } = config.linux?.resources ?? {};
    const version = isUnifiedOnly(hierarchies) ? 2 : 1;
    unit?.start(runelet.pid, atOnce, version);
    this.#cgroup = located;
    this.#cgroup = makeCgroup(this.#deps, config, this.#request.caller, located, this.#madeCgroups);
    this.#makeRdtGroups();
    if (netDevices !== undefined) {
      this.#devices = new netDevices.NetDevices(kernel, config.linux?.netDevices ?? {});
    }
    const input = this.#input(descriptors, isUnifiedOnly(hierarchies));
    const planned = notify?.withNotifySocket(config, this.#directory) ?? config;
    const plan = planContainer(planned, input, this.#bundle.path);
    inheritPreserved(plan, this.#request.preserveFds);
    if (network !== undefined) this.#devices?.moveInto(network);
    submitPlan(this.#deps, runelet, plan);
    const pid = this.#awaitReady(runelet.channel);
    this.#deps.step?.(`init is process ${pid}, and ready`);
    kernel.reap(runelet.pid); // the parent: it ends once it has told us the child's pid
    if (pids !== undefined) unit?.setResources({ pids }, version);
    unit?.close();
    limitProcesses(kernel, this.#cgroup, config.linux?.resources ?? {});
    const state = this.#state(this.#cgroup, pid);
    this.#directory.writeState(state);
    this.#deps.step?.("wrote the state: created");
    const { pidFile, pidfdSocket } = this.#request;
    if (pidfdSocket !== undefined) sendPidfd(kernel, pidfdSocket, pid, "standard");
    if (pidFile !== undefined) {
      writePidFile(kernel, pidFile, pid);
      this.#deps.step?.(`wrote pid file \`${pidFile}\``);
    }
    this.#devices?.leave();
    const rdt = this.#rdt === undefined ? {} : { rdt: this.#rdt };
    return { directory: this.#directory, state, pid, channel: runelet.channel, ...rdt };
  }

  /** The error with what is known about it now, and no more once everything is taken back. */
  explain(error: unknown): unknown {
    const { rdt } = this.#request.helpers;
    const record = this.#rdt?.record;
    const told =
      rdt === undefined || record === undefined
        ? error
        : rdt.explainJoin(this.#kernel, error, record);
    return explainIds(told, this.#bundle.config, this.#request.caller);
  }

  /** Takes back everything, in the reverse order; a failure here must not hide the first one. */
  undo(): void {
    this.#deps.step?.("undoing what was made");
    // Without its channel the child ends by itself, also where there is no cgroup to find it in.
    if (this.#channel !== undefined) this.#kernel.close(this.#channel);
    takeDevicesBack(this.#deps, this.#devices);
    undoMaking(this.#deps, this.#directory, {
      state: this.#state(this.#cgroup),
      unit: this.#request.unit,
      madeCgroups: this.#madeCgroups,
      rdt: this.#rdt,
      // Only what got as far as hooks may need their undoing.
      hooks: this.#channel === undefined ? undefined : this.#request.helpers.hooks,
    });
  }

  #findRdtGroups(): void {
    const { rdt } = this.#request.helpers;
    const { intelRdt } = this.#bundle.config.linux ?? {};
    if (rdt === undefined || intelRdt === undefined) return;
    this.#rdt = new rdt.RdtGroups(this.#kernel, intelRdt, this.#request.id);
    for (const warning of this.#rdt.warnings) this.#deps.warn(warning);
  }

  #makeRdtGroups(): void {
    if (this.#rdt === undefined) return;
    this.#rdt.make();
    const { group, monitoring } = this.#rdt.record;
    this.#deps.step?.(`resctrl group \`${monitoring ?? group}\``);
  }

  #input({ all: _, ...descriptors }: Descriptors, unifiedOnly: boolean): LaunchInput {
    const { seccomp } = this.#request;
    return {
      ...descriptors,
      id: this.#request.id,
      annotations: withoutSecrets(this.#bundle.config.annotations ?? {}),
      rootfs: this.#bundle.rootfs,
      unifiedOnly,
      cgroups: cgroupPlacement(this.#cgroup, this.#rdt),
      netDevices: this.#devices?.found ?? [],
      preservedFds: this.#request.preserveFds,
      listeningFds: this.#request.listeningFds,
      noPivot: this.#request.noPivot,
      newKeyring: !this.#request.noNewKeyring,
      hasKcore: unlessErrno(() => this.#kernel.lstat("/proc/kcore"), ENOENT) !== undefined,
      ...(seccomp === undefined ? {} : { seccomp: plannedSeccomp(seccomp) }),
      caller: this.#request.caller,
    };
  }

  #awaitReady(channel: Fd): Pid {
    const { enclave, seccomp, helpers } = this.#request;
    const { config } = this.#bundle;
    const { hooks } = helpers;
    const patience = new PalPatience(this.#kernel, enclave?.pal);
    return awaitReady(this.#kernel, channel, {
      receive: () => {
        patience.wait(channel);
        return receive(this.#kernel, channel);
      },
      mapIds: (pid) => {
        mapIds(this.#deps, pid, idMaps(config, this.#request.caller));
        sendMapped(this.#kernel, channel);
      },
      ...(this.#devices === undefined
        ? {}
        : {
            moveDevices: (pid) =>
              this.#devices?.moveInto(this.#kernel.open(`/proc/${pid}/ns/net`, O_RDONLY)),
          }),
      ...(hooks === undefined
        ? {}
        : {
            runHooks: (pid) => {
              hooks.runCreateHooks(this.#deps, config.hooks ?? {}, this.#state(this.#cgroup), pid);
              patience.start(); // they are not the PAL's
            },
          }),
      ...(seccomp?.listener === undefined
        ? {}
        : { takeListener: (pid, fd) => this.#sendListener(seccomp, pid, fd) }),
      died: () => {
        const { pal } = enclave ?? {};
        if (oomKills(this.#kernel, this.#cgroup) > 0) return outOfMemory();
        return pal === undefined ? died("it died without a word") : palDied(pal);
      },
    });
  }

  #sendListener({ listener }: SeccompFilter, pid: Pid, fd: number): void {
    if (listener === undefined) return;
    const { id, bundle, annotations } = this.#state(this.#cgroup);
    const state = { ociVersion, id, status: "creating", pid, bundle, annotations } as const;
    this.#request.helpers.listener?.sendListener(this.#kernel, listener, { pid, fd, state });
  }

  #state(cgroup: readonly CgroupDirectory[], pid?: Pid): State {
    const init = pid === undefined ? undefined : requireChild(this.#kernel, pid);
    const intelRdt = this.#rdt === undefined ? {} : { intelRdt: this.#rdt.record };
    return launchState(this.#deps, this.#bundle, this.#request, { cgroup, ...intelRdt }, init);
  }
}

/** Of an init that died without a word: an empty cgroup that was there before may have counted others. */
function outOfMemory(): RuneError {
  return new RuneError({
    code: "CGROUP",
    doing: "start the container's init",
    reason: "the kernel killed it for want of memory",
    hint: "raise `linux.resources.memory.limit` (docker run -m): a start takes some megabytes, and an enclave runtime's its own on top",
  });
}

export function callerOf(kernel: Kernel): Caller {
  const [euid, egid] = [kernel.euid(), kernel.egid()];
  return { euid, egid, inUserNamespace: isInUserNamespace(kernel) };
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
