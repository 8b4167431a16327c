// SPDX-License-Identifier: Apache-2.0
/**
 * For tests, as no machine of ours has Intel RDT: a stand-in for the resctrl file system on the fake
 * kernel. It follows fs/resctrl of the kernel: what it accepts, the words of `last_cmd_status`, and where
 * tasks go. Two caches, masks of eleven bits, bandwidth in steps of ten percent.
 */
import { EINVAL, ENOSPC, EPERM, ESRCH } from "../kernel/constants.ts";
import { failure, type PseudoFiles, parentOf } from "../kernel/fake-files.ts";
import type { RecordingKernel } from "../kernel/recording.ts";

export type Machine = {
  readonly mountPoint?: string;
  readonly options?: string;
  /** Which there are; none for a machine that only monitors. */
  readonly resources?: readonly string[];
  readonly features?: readonly string[];
  /** Classes, with the default one. */
  readonly classes?: number;
};

type Values = Map<string, Map<string, bigint>>;
type Group = { readonly path: string; readonly schemata: Values; readonly tasks: Set<number> };

const domains = ["0", "1"];
const mask = 0x7ffn;
const bandwidth = { min: 10n, max: 100n, step: 10n };

export class StandInResctrl implements PseudoFiles {
  readonly mountPoint: string;
  /** Who writes: 0 in a `tasks` file stands for it. */
  writer = 100;
  readonly #kernel: RecordingKernel;
  readonly #machine: Required<Machine>;
  /** Classes by path, and monitoring groups by path. */
  readonly #classes = new Map<string, Group>();
  readonly #monitoring = new Map<string, Group>();

  constructor(kernel: RecordingKernel, machine: Machine = {}) {
    this.#kernel = kernel;
    this.#machine = {
      mountPoint: "/sys/fs/resctrl",
      options: "rw",
      resources: ["L3", "MB"],
      features: ["llc_occupancy", "mbm_total_bytes", "mbm_local_bytes"],
      classes: 4,
      ...machine,
    };
    this.mountPoint = this.#machine.mountPoint;
    kernel.pseudoMount(this);
    this.#mount();
  }

  /** Its line of mountinfo. */
  get mountLine(): string {
    return `50 24 0:40 / ${this.mountPoint} rw - resctrl resctrl ${this.#machine.options}\n`;
  }

  mkdir(path: string): Record<string, string> {
    const doing = `make \`${path}\``;
    this.#status("ok");
    const parent = parentOf(path);
    if (parent === this.mountPoint && this.#machine.resources.length > 0) {
      if (this.#classes.size === this.#machine.classes) {
        throw this.#refuse(doing, ENOSPC, "Out of CLOSIDs");
      }
      const group = this.#class(path);
      return { ...this.#monitoringFiles("mon_groups/"), tasks: "", schemata: this.#shown(group) };
    }
    if (this.#classes.has(parentOf(parent)) && parent.endsWith("/mon_groups")) {
      this.#monitoring.set(path, { path, schemata: new Map(), tasks: new Set() });
      return { ...this.#monitoringFiles(), tasks: "" };
    }
    throw failure(doing, EPERM);
  }

  rmdir(path: string): void {
    const group = this.#classes.get(path);
    if (group !== undefined && path !== this.mountPoint) {
      this.#classes.delete(path);
      for (const name of this.#monitoring.keys()) {
        if (name.startsWith(`${path}/`)) this.#monitoring.delete(name);
      }
      for (const task of group.tasks) this.#classes.get(this.mountPoint)?.tasks.add(task);
      this.#showTasks();
    } else if (!this.#monitoring.delete(path)) throw failure(`remove \`${path}\``, EPERM);
  }

  write(path: string, text: string): string {
    const doing = `write \`${path}\``;
    this.#status("ok");
    const directory = parentOf(path);
    const group = this.#classes.get(directory);
    if (path.endsWith("/tasks")) {
      this.#move(doing, directory, text);
      return this.#kernel.text(path) ?? "";
    }
    if (!path.endsWith("/schemata") || group === undefined) throw failure(doing, EINVAL);
    this.#change(doing, group, text);
    return this.#shown(group);
  }

  endProcess(pid: number): void {
    for (const { tasks } of this.#classes.values()) tasks.delete(pid);
    for (const { tasks } of this.#monitoring.values()) tasks.delete(pid);
    this.#showTasks();
  }

  /** The tasks of a group; of a class also those in its monitoring groups. */
  tasksOf(path: string): number[] {
    const group = this.#classes.get(path) ?? this.#monitoring.get(path);
    return [...(group?.tasks ?? [])];
  }

  #mount(): void {
    const { resources, features, classes } = this.#machine;
    const file = (name: string, content: string) =>
      this.#kernel.file(`${this.mountPoint}/${name}`, content);
    const group = this.#class(this.mountPoint);
    for (const [name, content] of Object.entries(this.#monitoringFiles("mon_groups/"))) {
      if (name.endsWith("/")) this.#kernel.directory(`${this.mountPoint}/${name.slice(0, -1)}`);
      else file(name, content);
    }
    file("tasks", "");
    file("info/last_cmd_status", "ok\n");
    if (resources.length > 0) file("schemata", this.#shown(group));
    for (const resource of resources) {
      file(`info/${resource}/num_closids`, `${classes}\n`);
      if (isBandwidth(resource)) {
        file(`info/${resource}/bandwidth_gran`, `${bandwidth.step}\n`);
        file(`info/${resource}/min_bandwidth`, `${bandwidth.min}\n`);
        file(`info/${resource}/delay_linear`, "1\n");
      } else {
        file(`info/${resource}/cbm_mask`, `${mask.toString(16)}\n`);
        file(`info/${resource}/min_cbm_bits`, "1\n");
      }
    }
    if (features.length === 0) return;
    file("info/L3_MON/mon_features", features.map((feature) => `${feature}\n`).join(""));
  }

  #class(path: string): Group {
    const values = this.#machine.resources.map((resource) => {
      const most = isBandwidth(resource) ? bandwidth.max : mask;
      return [resource, new Map(domains.map((domain) => [domain, most]))] as const;
    });
    const group = { path, schemata: new Map(values), tasks: new Set<number>() };
    this.#classes.set(path, group);
    return group;
  }

  #monitoringFiles(...more: readonly string[]): Record<string, string> {
    const { features } = this.#machine;
    if (features.length === 0) return {};
    const counters = domains.flatMap((domain) =>
      features.map((feature) => [`mon_data/mon_L3_0${domain}/${feature}`, "0\n"] as const),
    );
    return Object.fromEntries([...more.map((name) => [name, ""] as const), ...counters]);
  }

  #shown({ schemata }: Group): string {
    const lines = [...schemata].map(([resource, values]) => {
      const shown = [...values].map(([domain, value]) =>
        isBandwidth(resource) ? `${domain}= ${value}` : `${domain}=${value.toString(16)}`,
      );
      return `${resource.padStart(6)}:${shown.join(";")}\n`;
    });
    return lines.join("");
  }

  /** rdtgroup_schemata_write: all of it, or nothing. */
  #change(doing: string, group: Group, text: string): void {
    if (!text.endsWith("\n")) throw failure(doing, EINVAL);
    const staged: Values = new Map();
    for (const line of text.slice(0, -1).split("\n")) {
      const [name = "", rest] = splitOnce(line, ":");
      const resource = name.trim();
      if (rest === undefined) throw this.#refuse(doing, EINVAL, "Missing ':'");
      if (rest.trim() === "") throw this.#refuse(doing, EINVAL, `Missing '${resource}' value`);
      if (!group.schemata.has(resource)) {
        const why = `Unknown or unsupported resource name '${resource}'`;
        throw this.#refuse(doing, EINVAL, why);
      }
      for (const entry of rest.trim().split(";")) {
        const [domain = "", value] = splitOnce(entry, "=");
        if (value === undefined || !/^[0-9]+$/.test(domain.trim())) {
          throw this.#refuse(doing, EINVAL, "Missing '=' or non-numeric domain");
        }
        if (!domains.includes(domain.trim())) throw failure(doing, EINVAL);
        const values = staged.get(resource) ?? new Map<string, bigint>();
        if (values.has(domain.trim())) {
          throw this.#refuse(doing, EINVAL, `Duplicate domain ${domain.trim()}`);
        }
        staged.set(resource, values.set(domain.trim(), this.#value(doing, resource, value.trim())));
      }
    }
    for (const [resource, values] of staged) {
      for (const [domain, value] of values) group.schemata.get(resource)?.set(domain, value);
    }
  }

  #value(doing: string, resource: string, text: string): bigint {
    const refuse = (why: string) => this.#refuse(doing, EINVAL, why);
    if (isBandwidth(resource)) {
      if (!/^[0-9]+$/.test(text)) throw refuse(`Non-decimal digit in MB value ${text}`);
      const value = BigInt(text);
      if (this.#machine.options.includes("mba_MBps")) return value;
      const { min, max, step } = bandwidth;
      if (value < min || value > max)
        throw refuse(`MB value ${value} out of range [${min},${max}]`);
      return ((value + step - 1n) / step) * step;
    }
    if (!/^(0x)?[0-9a-f]+$/i.test(text)) throw refuse(`Non-hex character in the mask ${text}`);
    const value = BigInt(`0x${text.replace(/^0x/i, "")}`);
    if (value === 0n || value > mask) throw refuse("Mask out of range");
    const low = value & -value;
    if (((value + low) & value) !== 0n) {
      throw refuse(`The mask ${value.toString(16)} has non-consecutive 1-bits`);
    }
    return value;
  }

  /** rdtgroup_tasks_write. */
  #move(doing: string, path: string, text: string): void {
    if (!/^[0-9]+$/.test(text.trim())) throw failure(doing, EINVAL);
    const task = Number(text) || this.writer;
    if (task !== this.writer && this.#kernel.text(`/proc/${task}/stat`) === undefined) {
      throw this.#refuse(doing, ESRCH, `No task ${task}`);
    }
    const monitoring = this.#monitoring.get(path);
    const to = this.#classes.get(path);
    if (monitoring !== undefined) {
      if (!this.#classes.get(parentOf(parentOf(path)))?.tasks.has(task)) {
        throw this.#refuse(doing, EINVAL, "Can't move task to different control group");
      }
    } else if (to === undefined) throw failure(doing, EINVAL);
    for (const group of this.#monitoring.values()) group.tasks.delete(task);
    if (to !== undefined) for (const group of this.#classes.values()) group.tasks.delete(task);
    (monitoring ?? to)?.tasks.add(task);
    this.#showTasks();
  }

  #showTasks(): void {
    for (const { path, tasks } of [...this.#classes.values(), ...this.#monitoring.values()]) {
      this.#kernel.file(`${path}/tasks`, [...tasks].map((task) => `${task}\n`).join(""));
    }
  }

  #status(text: string): void {
    this.#kernel.file(`${this.mountPoint}/info/last_cmd_status`, `${text}\n`);
  }

  #refuse(doing: string, errno: number, why: string): Error {
    this.#status(why);
    return failure(doing, errno);
  }
}

function isBandwidth(resource: string): boolean {
  return resource === "MB";
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
