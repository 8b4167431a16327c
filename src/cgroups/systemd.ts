// SPDX-License-Identifier: Apache-2.0
/**
 * Cgroups that systemd makes (`--systemd-cgroup`): a transient scope for each container, asked for over
 * D-Bus. docs/explanation/systemd-cgroups.md.
 */
import { RuneError } from "../errors/error.ts";
import { ENOENT } from "../kernel/constants.ts";
import { type Kernel, type Pid, readText, unlessErrno } from "../kernel/kernel.ts";
import type { Resources } from "../oci/config-resources.ts";
import type { CgroupDirectory } from "./cgroup.ts";
import type { Hierarchy } from "./layout.ts";
import { annotationProperties } from "./systemd-annotations.ts";
import { deviceProperties } from "./systemd-devices.ts";
import { Manager, type Property } from "./systemd-manager.ts";
import { expandSlice, parseScopeName, type ScopeName } from "./systemd-name.ts";
import { resourceProperties } from "./systemd-properties.ts";
import type { ContainerUnit, ManagerChoice, UnitRecord } from "./unit.ts";

export type NewUnit = {
  readonly id: string;
  /** `linux.cgroupsPath`, "" where there is none. */
  readonly cgroupsPath: string;
  readonly annotations: Readonly<Record<string, string>>;
};

/** The unit of a container that is to be made; nothing is asked of systemd yet. */
export function newUnit(kernel: Kernel, choice: ManagerChoice, wanted: NewUnit): ContainerUnit {
  const name = parseScopeName(wanted.cgroupsPath, wanted.id, choice.user);
  const own = annotationProperties(wanted.annotations);
  return new Unit(kernel, choice, { name: name.unit, user: choice.user }, { ...name, own });
}

/** The unit of a container that exists, for `delete` and `update`. */
export function existingUnit(
  kernel: Kernel,
  environment: ManagerChoice["environment"],
  record: UnitRecord,
): ContainerUnit {
  return new Unit(kernel, { user: record.user, environment }, record, undefined);
}

/** Where a new unit goes, and the properties that annotations give it. */
type Plan = ScopeName & { readonly own: readonly Property[] };

class Unit implements ContainerUnit {
  readonly record: UnitRecord;
  readonly #kernel: Kernel;
  readonly #choice: ManagerChoice;
  readonly #plan: Plan | undefined;
  /** From when on it is ours to stop: a unit of the same name may be somebody else's. */
  #isOurs: boolean;
  #connected: Manager | undefined;
  #path: string | undefined;

  constructor(kernel: Kernel, choice: ManagerChoice, record: UnitRecord, plan: Plan | undefined) {
    this.#kernel = kernel;
    this.#choice = choice;
    this.record = record;
    this.#plan = plan;
    this.#isOurs = plan === undefined;
  }

  get isOurs(): boolean {
    return this.#isOurs;
  }

  locate(hierarchies: readonly Hierarchy[]): CgroupDirectory[] {
    const cgroup = this.#cgroup();
    return hierarchies.map(({ version, controllers, mountPoint }) => {
      return { version, controllers, path: `${mountPoint}${cgroup}` };
    });
  }

  start(pid: Pid, resources: Resources, version: 1 | 2): void {
    const { name } = this.record;
    const manager = this.#manager();
    const wait = manager.startTransient(name, [
      ...scopeProperties(this.#planned(), pid, version),
      ...deviceProperties(resources.devices, this.#procDevices()),
      ...resourceProperties(resources, version, manager.version()),
      // Last: of a property that is given twice the later value counts.
      ...this.#planned().own,
    ]);
    this.#isOurs = true;
    wait();
    const [found, expected] = [manager.controlGroupOf(name), this.#cgroup()];
    if (found === expected) return;
    const reason = `systemd has put it into \`${found}\`, not \`${expected}\``;
    throw new RuneError({ code: "CGROUP", doing: `start systemd unit \`${name}\``, reason });
  }

  setResources(resources: Resources, version: 1 | 2): void {
    const manager = this.#manager();
    const { devices } = resources;
    const properties = [
      // Not without need: version 1 forbids everything for a moment while systemd writes its list.
      ...(devices === undefined ? [] : deviceProperties(devices, this.#procDevices())),
      ...resourceProperties(resources, version, manager.version()),
    ];
    if (properties.length > 0) manager.setProperties(this.record.name, properties);
  }

  stop(): void {
    if (this.#isOurs) this.#manager().stop(this.record.name);
  }

  close(): void {
    this.#connected?.close();
    this.#connected = undefined;
  }

  /** The user's manager has a cgroup of its own, which all its units lie below. */
  #cgroup(): string {
    const { slice, unit } = this.#planned();
    this.#path ??= `${this.#manager().controlGroup()}${expandSlice(slice)}/${unit}`;
    return this.#path;
  }

  #planned(): Plan {
    if (this.#plan !== undefined) return this.#plan;
    throw new Error("the unit exists already"); // a mistake of this program
  }

  #manager(): Manager {
    this.#connected ??= Manager.open(this.#kernel, this.#choice);
    return this.#connected;
  }

  #procDevices(): string {
    return unlessErrno(() => readText(this.#kernel, "/proc/devices"), ENOENT) ?? "";
  }
}

function scopeProperties({ slice, unit }: Plan, pid: Pid, version: 1 | 2): Property[] {
  const flag = (name: string, value: boolean): Property => [name, { signature: "b", value }];
  const text = (name: string, value: string): Property => [name, { signature: "s", value }];
  return [
    text("Description", `rune container ${unit}`),
    text("Slice", slice),
    flag("Delegate", true),
    // A scope is of processes that exist: runelet is there before its plan, and moves nobody else.
    ["PIDs", { signature: "au", value: [pid] }],
    // As without systemd: all is counted, from the start.
    flag("MemoryAccounting", true),
    flag("CPUAccounting", true),
    flag(version === 1 ? "BlockIOAccounting" : "IOAccounting", true),
    flag("TasksAccounting", true),
    // Else it would conflict with shutdown.target and be stopped by systemd before its engine is.
    flag("DefaultDependencies", false),
    // Forgotten once it has ended, also in failure: the name is free for the next container.
    text("CollectMode", "inactive-or-failed"),
  ];
}
