// SPDX-License-Identifier: Apache-2.0
/**
 * A server that has nothing to do takes no time, and little memory: a moment after the last request it collects
 * its garbage, the engine's own timers for that being off, and lets go of its program's pages, which are the
 * page cache's and come back from there one by one when they are run.
 */
import { RuneError } from "../errors/error.ts";
import { type Kernel, readText } from "../kernel/kernel.ts";
import type { ShimCalls } from "../kernel/shim-calls.ts";

const usualQuietMs = 1500;
const smapsMaxBytes = 4 << 20;

export type Range = { readonly start: number; readonly size: number };

export class Rest {
  readonly #kernel: Kernel;
  readonly #calls: Pick<ShimCalls, "letGo">;
  readonly #program: string;
  readonly #quietMs: number;
  #timer: Timer | undefined;

  constructor(
    kernel: Kernel,
    calls: Pick<ShimCalls, "letGo">,
    program: string,
    quietMs = usualQuietMs,
  ) {
    this.#quietMs = quietMs;
    this.#kernel = kernel;
    this.#calls = calls;
    this.#program = program;
  }

  /** Something has been done. */
  stir(): void {
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#settle(), this.#quietMs);
    else this.#timer.refresh();
  }

  #settle(): void {
    this.#timer = undefined;
    Bun.gc(true);
    try {
      const smaps = readText(this.#kernel, "/proc/self/smaps", smapsMaxBytes);
      for (const range of cleanRanges(smaps, this.#program)) this.#calls.letGo(range);
    } catch (error) {
      RuneError.from(error, "rest"); // no descriptor is left, for one: it keeps its pages until the next time
    }
  }
}

/** Mappings of a file in which nothing can be written, and nothing has been: all of it is still in the file. */
export function cleanRanges(smaps: string, file: string): Range[] {
  const mappings = smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  return mappings.flatMap((text) => {
    const header = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \d+ +(.*)$/m.exec(text);
    const [, from = "", to = "", path] = header ?? [];
    if (path !== file || !/^Anonymous: +0 kB$/m.test(text)) return [];
    const start = Number.parseInt(from, 16);
    return [{ start, size: Number.parseInt(to, 16) - start }];
  });
}
