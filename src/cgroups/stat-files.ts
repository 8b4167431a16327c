// SPDX-License-Identifier: Apache-2.0
/** Reading the files in which a cgroup counts. One that is not there, or not now, counts nothing. */
import { EINVAL, ENODEV, ENOENT, EOPNOTSUPP } from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno } from "../kernel/kernel.ts";

const wholeNumber = /^-?[0-9]+$/;

export class StatFiles {
  readonly #kernel: Kernel;
  readonly #path: string | undefined;

  /** Without a path there are no files. */
  constructor(kernel: Kernel, path: string | undefined) {
    this.#kernel = kernel;
    this.#path = path;
  }

  /** Undefined where there is no such file. */
  text(name: string): string | undefined {
    if (this.#path === undefined) return undefined;
    const file = `${this.#path}/${name}`;
    // A device that was removed and pressure that is not counted: ENODEV, EOPNOTSUPP.
    const absent = [ENOENT, ENODEV, EOPNOTSUPP, EINVAL];
    return unlessErrno(() => readText(this.#kernel, file), ...absent);
  }

  /** A number; `most` for the word `max`, 0 for no file. */
  number(name: string, most = 0n): bigint {
    const text = this.text(name)?.trim() ?? "";
    if (text === "max") return most;
    return wholeNumber.test(text) ? BigInt(text) : 0n;
  }

  numbers(name: string): bigint[] {
    return words(this.text(name))
      .filter((word) => wholeNumber.test(word))
      .map(BigInt);
  }

  /** Lines of a key and a number, in the order of the file. */
  table(name: string): Map<string, bigint> {
    const entries = this.lines(name).map((line): [string, bigint] => {
      const [key = "", value = ""] = words(line);
      return [key, wholeNumber.test(value) ? BigInt(value) : 0n];
    });
    return new Map(entries);
  }

  lines(name: string): string[] {
    return (this.text(name) ?? "").split("\n").filter((line) => line !== "");
  }

  /** Names of the directory's entries; none where it is gone. */
  names(): string[] {
    const path = this.#path;
    if (path === undefined) return [];
    return (unlessErrno(() => this.#kernel.list(path), ENOENT) ?? []).map(({ name }) => name);
  }
}

export function words(text: string | undefined): string[] {
  return (text ?? "")
    .trim()
    .split(/\s+/)
    .filter((word) => word !== "");
}

/** Leaves out what is zero or an empty list, as Go's `omitempty` does. */
export function present<T extends object>(values: T): Partial<T> {
  const kept = Object.entries(values).filter(([, value]) => {
    return value !== undefined && value !== 0n && !(Array.isArray(value) && value.length === 0);
  });
  // Fewer of the same entries.
  return Object.fromEntries(kept) as Partial<T>;
}
