// SPDX-License-Identifier: Apache-2.0
/** One restore under the container's lock, and what it has made so far. */
import { type CgroupDirectory, locateCgroup } from "../cgroups/cgroup.ts";
import { type Hierarchy, isUnifiedOnly } from "../cgroups/layout.ts";
import { limitProcesses } from "../cgroups/limits.ts";
import type { ContainerUnit } from "../cgroups/unit.ts";
import { converse } from "../criu/conversation.ts";
import { logHint } from "../criu/log.ts";
import type { CriuOptions } from "../criu/messages.ts";
import { RuneError } from "../errors/error.ts";
import { ENOENT, O_NONBLOCK, O_RDONLY } from "../kernel/constants.ts";
import { type Fd, type Kernel, type Pid, readText, unlessErrno } from "../kernel/kernel.ts";
import type { Config } from "../oci/config.ts";
import { cloneFlags, procNames } from "../oci/namespaces.ts";
import type { BindInput } from "../plan/bind-mount.ts";
import { type ExternalMount, externalMounts } from "../plan/external-mounts.ts";
import { planMountPoints, staged, stagedMount, stagedRoot } from "../plan/restore.ts";
import type { Caller } from "../plan/user.ts";
import type { RdtGroups } from "../rdt/groups.ts";
import type { SeccompFilter } from "../seccomp/filter.ts";
import type { Bundle } from "./bundle.ts";
import { type CriuProcess, openDirectory, withCriu } from "./criu.ts";
import {
  type CriuDirectories,
  configFile,
  externalNamespaces,
  logPath,
  sharedOptions,
} from "./criu-options.ts";
import type { Deps } from "./deps.ts";
import { keepForExec } from "./kept.ts";
import type { LaunchHelpers } from "./launch-helpers.ts";
import { launchState } from "./launch-state.ts";
import type { NetDevices } from "./net-devices.ts";
import { cgroupPlacement, makeCgroup, refuseOccupied } from "./own-cgroup.ts";
import type { RestoreRequest } from "./restore.ts";
import { inheritedPipes } from "./restore-descriptors.ts";
import { runPlan } from "./run-plan.ts";
import type { State } from "./state.ts";
import { requireChild } from "./status.ts";
import type { ContainerDirectory } from "./store.ts";
import { takeDevicesBack, undoMaking } from "./undo.ts";

export type Restoration = {
  readonly request: RestoreRequest;
  readonly bundle: Bundle;
  readonly caller: Caller;
  readonly directories: CriuDirectories;
  readonly stdio: readonly string[];
  readonly helpers: LaunchHelpers;
  readonly hierarchies: readonly Hierarchy[];
  readonly unit?: ContainerUnit;
  readonly seccomp?: SeccompFilter;
  /** Where the terminal is sent. */
  readonly console?: Fd;
};

export type Restored = {
  readonly pid: Pid;
  readonly state: State;
  /** A terminal has been sent. */
  readonly hasTerminal: boolean;
};

const log = "restore.log";
const mib = 1 << 20;

export class Restoring {
  readonly #deps: Deps;
  readonly #kernel: Kernel;
  readonly #restoration: Restoration;
  readonly #directory: ContainerDirectory;
  readonly #madeCgroups: string[] = [];
  #cgroup: CgroupDirectory[] = [];
  #rdt: RdtGroups | undefined;
  #devices: NetDevices | undefined;
  #ranHooks = false;
  #hasTerminal = false;
  #state: State | undefined;

  constructor(deps: Deps, restoration: Restoration, directory: ContainerDirectory) {
    this.#deps = deps;
    this.#kernel = deps.kernel;
    this.#restoration = restoration;
    this.#directory = directory;
  }

  restore(): Restored {
    const { request, bundle, unit, seccomp, caller, hierarchies, helpers } = this.#restoration;
    const { config } = bundle;
    const { pids, ...atOnce } = config.linux?.resources ?? {};
    const version = isUnifiedOnly([...hierarchies]) ? 2 : 1;
    const located =
      unit?.locate([...hierarchies]) ??
      locateCgroup(hierarchies, config.linux?.cgroupsPath, request.id);
    refuseOccupied(this.#kernel, located);
    this.#findClass();
    this.#directory.writeState(this.#stateOf(located));
    keepForExec(this.#directory, config.process, seccomp);
    helpers.notify?.makeNotifyDirectory(this.#kernel, this.#directory);
    this.#cgroup = located;
    if (unit === undefined) this.#makeCgroup(config, caller, located);
    const input = { caller, namespaces: new Map<string, Fd>() };
    const host = { rootfs: bundle.rootfs, bundle: bundle.path, input };
    runPlan(this.#deps, planMountPoints(config, host));
    this.#rdt?.make();
    const namespaces = this.#openNamespaces(config);
    const stage = this.#directory.makeStage(staged);
    const mounts = this.#mounts(input, located);
    const place = {
      inherited: namespaces.map(({ fd }) => fd),
      container: {
        cgroups: cgroupPlacement(located, this.#rdt),
        rootfs: bundle.rootfs,
        readOnly: config.root.readonly === true,
        ...{ mounts, stage },
      },
      started: (pid: Pid) => {
        if (unit === undefined) return;
        unit.start(pid, atOnce, version);
        this.#makeCgroup(config, caller, located);
      },
    };
    let pid: Pid;
    try {
      pid = withCriu(this.#deps, place, (criu) =>
        this.#converse(criu, { namespaces, mounts, stage }),
      );
    } catch (error) {
      throw this.#explained(error);
    } finally {
      this.#directory.removeStage();
    }
    if (pids !== undefined) unit?.setResources({ pids }, version);
    unit?.close();
    limitProcesses(this.#kernel, this.#cgroup, config.linux?.resources ?? {});
    this.#devices?.leave();
    return { pid, state: this.#remember(pid), hasTerminal: this.#hasTerminal };
  }

  undo(): void {
    takeDevicesBack(this.#deps, this.#devices);
    undoMaking(this.#deps, this.#directory, {
      state: this.#state ?? this.#stateOf(this.#cgroup),
      unit: this.#restoration.unit,
      madeCgroups: this.#madeCgroups,
      rdt: this.#rdt,
      hooks: this.#ranHooks ? this.#restoration.helpers.hooks : undefined,
    });
  }

  #findClass(): void {
    const { request, bundle, helpers } = this.#restoration;
    const { intelRdt } = bundle.config.linux ?? {};
    if (helpers.rdt === undefined || intelRdt === undefined) return;
    this.#rdt = new helpers.rdt.RdtGroups(this.#kernel, intelRdt, request.id);
    for (const warning of this.#rdt.warnings) this.#deps.warn(warning);
  }

  #makeCgroup(config: Config, caller: Caller, located: CgroupDirectory[]): void {
    this.#cgroup = makeCgroup(this.#deps, config, caller, located, this.#madeCgroups);
  }

  #converse({ socket, pid }: CriuProcess, outside: Outside): Pid {
    const directories = this.#directoriesOf(pid);
    const options = this.#options(pid, directories, outside);
    const request = { type: "restore", options } as const;
    const { pid: init } = converse(this.#kernel, socket, request, (step, descriptors) => {
      this.#deps.step?.(`criu: ${step.script}`);
      if (step.script === "setup-namespaces") {
        this.#moveDevices(step.pid as Pid);
        this.#runHooks(step.pid as Pid);
      }
      // While its processes still stand still: whoever finds the state can kill them.
      else if (step.script === "post-restore") this.#remember(step.pid as Pid);
      else if (step.script === "orphan-pts-master") this.#sendTerminal(descriptors);
    });
    for (const fd of Object.values(directories)) this.#kernel.close(fd);
    if (init === undefined)
      throw new RuneError({ code: "CRIU", doing: "restore", reason: "criu names no process" });
    return init as Pid; // of criu's answer; requireChild looks at it
  }

  #options(
    criu: Pid,
    directories: CriuDirectories,
    { namespaces, mounts, stage }: Outside,
  ): CriuOptions {
    const { request, bundle, stdio } = this.#restoration;
    const { lsmProfile, lsmMountContext } = request;
    return {
      ...sharedOptions(request, directories, log),
      ...configFile(bundle.config),
      evasiveDevices: true,
      // The init becomes a child of ours, as criu is.
      rstSibling: true,
      root: stagedRoot(stage),
      cgroupRoots: cgroupRoots(this.#kernel, criu),
      externalMounts: [
        ...mounts.map(({ destination }, index) => ({
          key: destination,
          value: stagedMount(stage, index),
        })),
        ...((bundle.config.linux?.maskedPaths ?? []).length === 0 ? [] : [maskedFiles]),
      ],
      inheritedFds: [...inheritedPipes(stdio), ...namespaces],
      ...joinedNamespaces(bundle.config),
      ...(lsmProfile === undefined ? {} : { lsmProfile }),
      ...(lsmMountContext === undefined ? {} : { lsmMountContext }),
    };
  }

  /** As criu's mount namespace has them: it mounts things in its working directory. */
  #directoriesOf(criu: Pid): CriuDirectories {
    const { images, work } = this.#restoration.directories;
    const there = (fd: Fd) => {
      const path = this.#kernel.readlink(`/proc/self/fd/${fd}`);
      return openDirectory(this.#kernel, `/proc/${criu}/root${path}`);
    };
    return { images: there(images), ...(work === undefined ? {} : { work: there(work) }) };
  }

  #mounts(input: BindInput, cgroup: readonly CgroupDirectory[]): ExternalMount[] {
    const { bundle, helpers, hierarchies } = this.#restoration;
    const { notify } = helpers;
    const config = notify?.withNotifySocket(bundle.config, this.#directory) ?? bundle.config;
    return externalMounts(config, {
      bundle: bundle.path,
      input,
      cgroups: cgroupPlacement(cgroup).mounts,
      unifiedOnly: isUnifiedOnly([...hierarchies]),
    });
  }

  /** Held open, so that what is joined is what was there. */
  #openNamespaces({ linux = {} }: Config): ExternalNamespace[] {
    return (linux.namespaces ?? []).flatMap(({ type, path = "" }) => {
      if (path === "" || (type !== "network" && type !== "pid")) return [];
      const fd = this.#kernel.open(path, O_RDONLY | O_NONBLOCK);
      if (this.#kernel.namespaceType(fd) !== cloneFlags[type]) {
        const reason = `it is no ${type} namespace`;
        throw new RuneError({ code: "CONFIG_INVALID", doing: `join \`${path}\``, reason });
      }
      return [{ key: externalNamespaces[type].key, fd }];
    });
  }

  /** criu has made, or joined, the network namespace, and leaves what is in it alone. */
  #moveDevices(pid: Pid): void {
    const { bundle, helpers } = this.#restoration;
    const { netDevices } = helpers;
    if (netDevices === undefined) return;
    const namespace = this.#kernel.open(`/proc/${pid}/ns/net`, O_RDONLY);
    const wanted = bundle.config.linux?.netDevices ?? {};
    const missing = netDevices.missingDevices(this.#kernel, wanted, namespace);
    this.#devices = new netDevices.NetDevices(this.#kernel, missing);
    this.#devices.moveInto(namespace);
    this.#devices.bringUp();
    for (const name of Object.keys(missing))
      this.#deps.step?.(`network device \`${name}\` is there`);
  }

  #runHooks(pid: Pid): void {
    const { bundle, helpers } = this.#restoration;
    if (helpers.hooks === undefined) return;
    this.#ranHooks = true;
    const { hooks = {} } = bundle.config;
    helpers.hooks.runCreateHooks(this.#deps, hooks, this.#stateOf(this.#cgroup), pid);
  }

  #sendTerminal([master]: readonly Fd[]): void {
    const { console } = this.#restoration;
    if (master === undefined || console === undefined) return;
    this.#kernel.sendDescriptor(console, new TextEncoder().encode("/dev/ptmx"), master);
    this.#hasTerminal = true;
  }

  #remember(pid: Pid): State {
    if (this.#state !== undefined) return this.#state;
    const init = requireChild(this.#kernel, pid);
    const state = this.#stateOf(this.#cgroup, init);
    this.#state = { ...state, namespaces: state.namespaces | this.#newTime(pid) };
    this.#directory.writeState(this.#state);
    this.#deps.step?.("wrote the state: restored");
    return this.#state;
  }

  /** criu restores into a time namespace, so that clocks go on where they were. */
  #newTime(pid: Pid): number {
    const of = (process: string) =>
      unlessErrno(() => this.#kernel.readlink(`/proc/${process}/ns/${procNames.time}`), ENOENT);
    return of(String(pid)) === of("self") ? 0 : cloneFlags.time;
  }

  #stateOf(cgroup: readonly CgroupDirectory[], init?: NonNullable<State["init"]>): State {
    const { request, bundle, ...parts } = this.#restoration;
    const { detach, id } = request;
    const monitored = detach || parts.unit?.isOurs === true ? {} : { monitored: true as const };
    const launch = { ...parts, ...monitored, id, noNewKeyring: false };
    const made = { cgroup, ...(this.#rdt === undefined ? {} : { intelRdt: this.#rdt.record }) };
    const { hooks, ...state } = launchState(this.#deps, bundle, launch, made, init);
    // The program has started long ago: only poststop hooks are still to run, as with runc.
    const poststop = hooks?.poststop ?? [];
    return poststop.length === 0 ? state : { ...state, hooks: { poststop } };
  }

  #explained(error: unknown): RuneError {
    const { request } = this.#restoration;
    const cause = RuneError.from(error, "restore").within(`restore \`${request.id}\``);
    if (cause.code !== "CRIU" || cause.hint !== undefined) return cause;
    const { code, doing, reason } = cause;
    const hint = logHint(this.#kernel, logPath(this.#kernel, request, log));
    return new RuneError({ code, doing, reason, hint, cause: error });
  }
}

/** What criu takes from outside of its images. */
type Outside = {
  readonly namespaces: readonly ExternalNamespace[];
  readonly mounts: readonly ExternalMount[];
  readonly stage: string;
};

/** The name that `checkpoint` gives to files that are hidden. */
const maskedFiles = { key: "/dev/null", value: "/dev/null" };

type ExternalNamespace = { readonly key: string; readonly fd: Fd };

/** Where criu stands is where the container's own cgroups begin, in each hierarchy. */
function cgroupRoots(kernel: Kernel, criu: Pid): { controllers: string; path: string }[] {
  const lines = readText(kernel, `/proc/${criu}/cgroup`, mib).split("\n");
  return lines.flatMap((line) => {
    const [, list, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (list === undefined || path === undefined) return [];
    return list.split(",").map((controllers) => ({ controllers, path }));
  });
}

/** criu's word for namespaces of others that are joined by path; network and pid are told by descriptor. */
function joinedNamespaces({ linux = {} }: Config): Pick<CriuOptions, "joinedNamespaces"> {
  const joined = (linux.namespaces ?? []).flatMap(({ type, path = "" }) => {
    if (path === "" || type === "network" || type === "pid") return [];
    if (type === "cgroup") {
      const reason = "criu cannot join a cgroup namespace by path";
      throw new RuneError({
        code: "CONFIG_UNSUPPORTED",
        doing: `restore into \`${path}\``,
        reason,
      });
    }
    return [{ type: procNames[type], path }];
  });
  return joined.length === 0 ? {} : { joinedNamespaces: joined };
}
