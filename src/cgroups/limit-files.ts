// SPDX-License-Identifier: Apache-2.0
/** The limit files of one directory of a cgroup: written with errors a person can use, and put back. */
import { RuneError } from "../errors/error.ts";
import { EBUSY, EINVAL, ENOENT } from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno, writeFile } from "../kernel/kernel.ts";
import type { CgroupDirectory } from "./cgroup.ts";

/** One value for one file. */
export type LimitWrite = { readonly file: string; readonly value: string };

/** What was written, and what stood there before. */
type Written = { readonly path: string; readonly before: string };

/** Remembers what limits were before they were written, so that all of a failed change goes back. */
export class LimitJournal {
  readonly #kernel: Kernel;
  readonly #written: Written[] = [];

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  add(path: string, before: string): void {
    this.#written.push({ path, before });
  }

  /**
   * Writes the old values, the last written first: each step leads back to what the kernel has
   * accepted before. Returns the files that would not take theirs.
   */
  undo(): string[] {
    const stuck: string[] = [];
    for (const { path, before } of this.#written.toReversed()) {
      try {
        writeFile(this.#kernel, path, `${before}\n`);
      } catch {
        stuck.push(path);
      }
    }
    return stuck;
  }
}

export class LimitFiles {
  readonly path: string;
  readonly #kernel: Kernel;
  readonly #version: 1 | 2;
  readonly #journal: LimitJournal | undefined;

  constructor(kernel: Kernel, { path, version }: CgroupDirectory, journal?: LimitJournal) {
    this.#kernel = kernel;
    this.path = path;
    this.#version = version;
    this.#journal = journal;
  }

  /** The file's content without the newline at its end; undefined where there is no such file. */
  read(file: string): string | undefined {
    return unlessErrno(() => readText(this.#kernel, `${this.path}/${file}`), ENOENT)?.trimEnd();
  }

  /** Writes a value. */
  write(file: string, value: string): void {
    this.#write(file, value, () => this.read(file));
  }

  /** Writes a value to a file that does not read as it is written; `before` is what it has now. */
  writeOver(file: string, value: string, before: string): void {
    this.#write(file, value, () => before);
  }

  /**
   * Writes a line of a file that has one a key, such as `8:0 rbps=1000` of io.max; `neutral` is what
   * follows the key of a line that sets nothing.
   */
  writeLine(file: string, key: string, value: string, neutral: string): void {
    this.#write(file, `${key} ${value}`, () => {
      const lines = this.read(file)?.split("\n") ?? [];
      return lines.find((line) => line.startsWith(`${key} `)) ?? `${key} ${neutral}`;
    });
  }

  /**
   * Writes values that bound one another (a quota and its period, memory and memory with swap). The
   * kernel refuses with EINVAL what does not fit the others as they are at that moment, so what it
   * refuses is tried again when the rest is in place.
   */
  writeTogether(writes: readonly LimitWrite[]): void {
    for (let left = writes; left.length > 0; ) {
      const refused: LimitWrite[] = [];
      let failure: unknown;
      for (const write of left) {
        try {
          this.write(write.file, write.value);
        } catch (error) {
          if (!(error instanceof RuneError) || error.errno !== EINVAL) throw error;
          failure ??= error;
          refused.push(write);
        }
      }
      if (refused.length === left.length) throw failure;
      left = refused;
    }
  }

  #write(file: string, value: string, before: () => string | undefined): void {
    const path = `${this.path}/${file}`;
    const old = this.#journal === undefined ? undefined : before();
    try {
      writeFile(this.#kernel, path, value);
    } catch (error) {
      throw this.#explained(RuneError.from(error, "write"), file, value);
    }
    if (old !== undefined) this.#journal?.add(path, old);
  }

  /** Names the file, the value and the cause, as far as the kernel lets it be known. */
  #explained({ reason, errno, cause }: RuneError, file: string, value: string): RuneError {
    return new RuneError({
      code: "CGROUP",
      doing: `write \`${value}\` to \`${this.path}/${file}\``,
      reason: this.#causeOf(errno, file) ?? reason,
      ...(errno === undefined ? {} : { errno }),
      ...(cause === undefined ? {} : { cause }),
    });
  }

  #causeOf(errno: number | undefined, file: string): string | undefined {
    if (errno === ENOENT) return this.#whyMissing(file);
    if (errno === EBUSY && file.startsWith("memory.")) {
      return `it is below what is used now, ${this.read("memory.usage_in_bytes") ?? "?"} bytes`;
    }
    const isShare = file === "cpu.shares" || file === "cpu.weight";
    return isShare && this.read("cpu.idle") === "1"
      ? "the cgroup is idle: cpu.idle is 1"
      : undefined;
  }

  #whyMissing(file: string): string {
    const controller = file.slice(0, file.indexOf("."));
    const enabled = this.#version === 2 ? this.read("cgroup.controllers")?.split(" ") : undefined;
    if (enabled === undefined || controller === "cgroup" || enabled.includes(controller)) {
      return "the kernel has no such limit here";
    }
    const reason = `the ${controller} controller is not enabled there`;
    const parentHas = this.read("../cgroup.controllers")?.split(" ").includes(controller);
    if (parentHas === true && this.read("../cgroup.procs") !== "") {
      return `${reason}: the cgroup above has processes of its own`;
    }
    return this.read("cgroup.type")?.includes("threaded")
      ? `${reason}: the cgroup is threaded, and limits of a whole process have no place in it`
      : reason;
  }
}
