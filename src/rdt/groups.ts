// SPDX-License-Identifier: Apache-2.0
/**
 * `linux.intelRdt` (config-linux.md, "IntelRdt"): the class of service (CLOS) a container is in, and its
 * monitoring group. Both are directories of the resctrl file system; processes join in the launch plan.
 */
import { RuneError } from "../errors/error.ts";
import { EEXIST, ENOENT, ENOSPC, ENOTDIR, O_DIRECTORY, O_RDONLY } from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno, writeFile } from "../kernel/kernel.ts";
import type { IntelRdt } from "../oci/config-linux.ts";
import { type RdtRecord, rdtTasksFiles } from "./record.ts";
import {
  findResctrl,
  monitoringFeatures,
  type Resctrl,
  readInfo,
  resctrlError,
} from "./resctrl.ts";
import {
  ignoredLines,
  isBandwidth,
  MalformedLine,
  type Schemata,
  schemataDifference,
  wantedSchemata,
} from "./schemata.ts";

/** The groups of one container, and which of them are its own. */
export class RdtGroups {
  readonly record: RdtRecord;
  /** What is wrong with the configuration, but no reason to refuse it. */
  readonly warnings: readonly string[];
  readonly #kernel: Kernel;
  readonly #resctrl: Resctrl;
  readonly #schemata: Schemata;
  /** The class has a name of its own, under which containers may share it. */
  readonly #isNamed: boolean;
  #madeNamed = false;

  /** Finds what is there, and refuses what cannot be; makes nothing. */
  constructor(kernel: Kernel, config: IntelRdt, id: string) {
    this.#kernel = kernel;
    this.#resctrl = findResctrl(kernel, "config `linux.intelRdt`");
    this.#schemata = wantedSchemata(config);
    const { root } = this.#resctrl;
    const { closID = "", enableMonitoring = false } = config;
    this.#isNamed = closID !== "";
    requireMonitoring(kernel, root, config);
    const group = closID === "/" ? root : `${root}/${this.#isNamed ? closID : id}`;
    const monitoring = enableMonitoring ? `${group}/mon_groups/${id}` : undefined;
    this.record = {
      root,
      group,
      ...(monitoring === undefined ? {} : { monitoring }),
      own: [monitoring ?? [], this.#isNamed ? [] : group].flat(),
    };
    this.warnings = ignoredLines(config).map(
      (line) => `ignoring \`${line}\` of \`linux.intelRdt.l3CacheSchema\`: it is no cache's`,
    );
    if (!isGroup(kernel, group)) this.#requireMakeable();
    for (const path of this.record.own) refuseOccupied(kernel, path);
  }

  /** Makes what is missing. The class that others have made must be as the configuration has it. */
  make(): void {
    const { group, monitoring } = this.record;
    // As resctrl.rst asks: nobody reads a class between its making and its schemata.
    const lock = this.#lock();
    try {
      const isNew = this.#mayMake() && this.#mkdir(group);
      this.#madeNamed = isNew && this.#isNamed;
      if (isNew || !this.#isNamed) writeSchemata(this.#kernel, this.record, this.#schemata);
      else this.#compare();
      if (monitoring !== undefined) this.#mkdir(monitoring);
      for (const path of rdtTasksFiles(this.record)) this.#requireJoinable(path);
    } finally {
      this.#kernel.close(lock);
    }
  }

  /** After a start that failed, and once the container's own groups are gone: also a class with a name. */
  takeBack(): void {
    if (!this.#madeNamed) return;
    const { group } = this.record;
    const lock = this.#lock();
    try {
      if (tasksIn(this.#kernel, group) > 0) return; // another container has joined it meanwhile
      unlessErrno(() => this.#kernel.rmdir(group), ENOENT);
      this.#madeNamed = false;
    } finally {
      this.#kernel.close(lock);
    }
  }

  #lock() {
    const fd = this.#kernel.open(this.#resctrl.root, O_RDONLY | O_DIRECTORY);
    try {
      this.#kernel.lock(fd);
      return fd;
    } catch (error) {
      this.#kernel.close(fd);
      throw error;
    }
  }

  /** A class with a name and without schemata is an administrator's to make: the specification. */
  #mayMake(): boolean {
    if (this.record.group === this.record.root) return false;
    return !this.#isNamed || this.#schemata.length > 0;
  }

  #requireMakeable(): void {
    const { group, root } = this.record;
    const doing = `use class of service \`${group}\``;
    if (unlessErrno(() => this.#kernel.stat(group), ENOENT) !== undefined) {
      const reason = "the name is one of the file system's own: there can be no class with it";
      throw new RuneError({ code: "CONFIG_INVALID", doing, reason });
    }
    if (!this.#mayMake()) {
      const reason = "it does not exist, and the configuration has no schemata for a new one";
      const hint = `\`mkdir ${group}\` makes it, or \`linux.intelRdt.schemata\``;
      throw new RuneError({ code: "RESCTRL", doing, reason, hint });
    }
    if (unlessErrno(() => this.#kernel.stat(`${root}/schemata`), ENOENT) === undefined) {
      const reason = "this machine monitors, but has no classes other than the default one";
      const hint = "set `linux.intelRdt.closID` to `/`";
      throw new RuneError({ code: "HOST_UNSUPPORTED", doing, reason, hint });
    }
  }

  /** True when it is new. */
  #mkdir(path: string): boolean {
    try {
      const made = unlessErrno(() => {
        this.#kernel.mkdir(path, 0o755);
        return true;
      }, EEXIST);
      return made === true;
    } catch (error) {
      const doing = `make resctrl group \`${path}\``;
      const failure = resctrlError(this.#kernel, this.record, error, doing);
      if (failure.errno !== ENOSPC) throw failure;
      const { code, reason, errno, cause } = failure;
      const hint = "the processor has only so many: let containers share one by `closID`";
      throw new RuneError({ code, doing, reason, errno, hint, cause });
    }
  }

  #compare(): void {
    if (this.#schemata.length === 0) return;
    const { group } = this.record;
    const doing = `join class of service \`${group}\``;
    const file = readText(this.#kernel, `${group}/schemata`);
    const difference = about(doing, () =>
      schemataDifference(file, this.#schemata, (resource) => this.#granularity(resource)),
    );
    if (difference === undefined) return;
    const hint = "schemata are only for a class that is new, or already has them";
    throw new RuneError({ code: "RESCTRL", doing, reason: difference, hint });
  }

  #granularity(resource: string): bigint | undefined {
    if (!isBandwidth(resource) || this.#resctrl.countsMegabytes) return undefined;
    const text = readInfo(this.#kernel, this.record.root, `${resource}/bandwidth_gran`) ?? "";
    return /^[0-9]{1,10}$/.test(text) ? BigInt(text) : undefined;
  }

  /** Now, as the launch plan can say less of why not. */
  #requireJoinable(tasks: string): void {
    try {
      this.#kernel.close(this.#kernel.open(tasks, 1 /* O_WRONLY */));
    } catch (error) {
      throw resctrlError(this.#kernel, this.record, error, `join \`${tasks}\``);
    }
  }
}

/** Writes lines to a class; others stay as they are. */
export function writeSchemata(kernel: Kernel, record: RdtRecord, schemata: Schemata): void {
  for (const lines of schemata) {
    const text = `${lines.join("\n")}\n`;
    const doing = `write \`${lines.join(", ")}\` to \`${record.group}/schemata\``;
    if (new TextEncoder().encode(text).length > writeMaxBytes) {
      const reason = `longer than the ${writeMaxBytes} bytes that the kernel takes`;
      throw new RuneError({ code: "CONFIG_INVALID", doing, reason });
    }
    try {
      writeFile(kernel, `${record.group}/schemata`, text);
    } catch (error) {
      throw resctrlError(kernel, record, error, doing);
    }
  }
}

/** A write to a kernfs file ends with its first page, and would go on as another one. */
const writeMaxBytes = 4095;

/** An error of a process that failed to join a group, with what the file system says about it. */
export function explainJoin(kernel: Kernel, error: unknown, record: RdtRecord): unknown {
  if (!(error instanceof RuneError)) return error;
  if (!rdtTasksFiles(record).some((path) => error.doing.includes(`\`${path}\``))) return error;
  return resctrlError(kernel, record, error, error.doing);
}

function isGroup(kernel: Kernel, path: string): boolean {
  return unlessErrno(() => kernel.stat(`${path}/tasks`), ENOENT, ENOTDIR) !== undefined;
}

/** What goes with the container must not be what others are in. */
function refuseOccupied(kernel: Kernel, path: string): void {
  const count = tasksIn(kernel, path);
  if (count === 0) return;
  throw new RuneError({
    code: "RESCTRL",
    doing: `use resctrl group \`${path}\``,
    reason: `it is not empty: ${count} tasks`,
    hint: "name a class in `linux.intelRdt.closID` to share it",
  });
}

function tasksIn(kernel: Kernel, path: string): number {
  const text = unlessErrno(() => readText(kernel, `${path}/tasks`, tasksMaxBytes), ENOENT) ?? "";
  return text.split("\n").filter(Boolean).length;
}

/** Room for as many ids as there can be: PID_MAX_LIMIT is 2^22. */
const tasksMaxBytes = 8 << 22;

function requireMonitoring(kernel: Kernel, root: string, config: IntelRdt): void {
  const features = monitoringFeatures(kernel, root);
  const fields = [
    ["enableMonitoring", "", "bandwidth or cache use"],
    ["enableCMT", "llc_occupancy", "cache use"],
    ["enableMBM", "mbm_", "memory bandwidth"],
  ] as const;
  for (const [field, prefix, what] of fields) {
    if (config[field] !== true || features.some((name) => name.startsWith(prefix))) continue;
    const doing = `config \`linux.intelRdt.${field}\``;
    const reason = `this machine, or its kernel, does not monitor ${what}`;
    throw new RuneError({ code: "HOST_UNSUPPORTED", doing, reason });
  }
}

function about<T>(doing: string, compare: () => T): T {
  try {
    return compare();
  } catch (error) {
    if (!(error instanceof MalformedLine)) throw error;
    const reason = `line \`${error.line}\`: ${error.message}`;
    throw new RuneError({ code: "CONFIG_INVALID", doing, reason });
  }
}
