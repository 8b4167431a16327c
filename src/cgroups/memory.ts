// SPDX-License-Identifier: Apache-2.0
/**
 * The memory controller. Version 1 and config.json count memory and swap together, version 2 counts
 * swap alone.
 */
import { RuneError } from "../errors/error.ts";
import type { MemoryResources } from "../oci/config-resources.ts";
import { type Controller, firstAsked, invalid, isSet, orMax } from "./controller.ts";
import type { LimitFiles } from "./limit-files.ts";

export const memory: Controller = {
  v1: "memory",
  v2: "memory",

  asked: ({ memory = {} }) =>
    firstAsked("memory", [
      ["limit", memory.limit],
      ["reservation", memory.reservation],
      ["swap", memory.swap],
      // 0 is a value: no swapping while anything else can be done.
      ["swappiness", memory.swappiness === undefined ? undefined : 1],
      ["disableOOMKiller", memory.disableOOMKiller === true ? 1 : undefined],
    ]),

  setV1: (files, { memory = {} }) => {
    const { limit, reservation, swappiness, disableOOMKiller } = memory;
    const swap = swapV1(files, memory);
    files.writeTogether([
      ...(isSet(limit) ? [{ file: "memory.limit_in_bytes", value: String(limit) }] : []),
      ...(isSet(swap) ? [{ file: memswFile, value: String(swap) }] : []),
    ]);
    if (isSet(reservation)) files.write("memory.soft_limit_in_bytes", String(reservation));
    if (disableOOMKiller === true) files.writeOver("memory.oom_control", "1", "0");
    if (swappiness !== undefined) files.write("memory.swappiness", String(swappiness));
  },

  setV2: (files, { memory = {} }) => {
    const { limit, reservation } = memory;
    checkUsage(files, memory);
    const swap = swapV2(files, memory);
    if (swap !== undefined) writeSwap(files, swap);
    if (isSet(limit)) files.write("memory.max", orMax(limit));
    if (isSet(reservation)) files.write("memory.low", orMax(reservation));
  },
};

const memswFile = "memory.memsw.limit_in_bytes";

/** Memory without limit and no word on swap means no limit for both, or the kernel would refuse it. */
function swapV1(files: LimitFiles, { limit, swap }: MemoryResources): bigint | undefined {
  const wanted = limit === -1n && !isSet(swap) ? -1n : swap;
  // Without swap accounting (swapaccount=0) there is no file, and no limit to take away.
  return wanted === -1n && files.read(memswFile) === undefined ? undefined : wanted;
}

/** What memory.swap.max gets; undefined: leave it as it is. */
function swapV2(files: LimitFiles, memory: MemoryResources): string | undefined {
  const { limit, swap } = memory;
  if (isSet(swap) && swap < 0n) return "max";
  if (limit === -1n) return isSet(swap) ? String(swap) : "max";
  const bound = isSet(limit) ? limit : numberOf(files.read("memory.max"));
  const total = isSet(swap) ? swap : totalNow(files, limit);
  if (total === undefined) return undefined;
  if (bound === undefined) {
    throw invalid("memory.swap", total, "memory and swap count together: it needs `limit`, too");
  }
  if (total < bound) {
    const reason = `memory and swap count together: it cannot be less than the limit, ${bound}`;
    throw invalid("memory.swap", total, reason);
  }
  return String(total - bound);
}

/**
 * When only the memory limit changes, the sum stays as version 1 would leave it. Undefined when the
 * memory limit does not change, or the sum has no limit yet.
 */
function totalNow(files: LimitFiles, limit: bigint | undefined): bigint | undefined {
  if (!isSet(limit)) return undefined;
  const [memory, swap] = ["memory.max", "memory.swap.max"].map((file) =>
    numberOf(files.read(file)),
  );
  return memory === undefined || swap === undefined ? undefined : memory + swap;
}

function numberOf(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[0-9]+$/.test(text) ? BigInt(text) : undefined;
}

/** A kernel without swap accounting has no file; having no limit, or no swap, is no harm then. */
function writeSwap(files: LimitFiles, value: string): void {
  const harmless = value === "max" || value === "0";
  if (harmless && files.read("memory.swap.max") === undefined) return;
  files.write("memory.swap.max", value);
}

/** Version 2 kills rather than refuse a limit below what is used; version 1 refuses by itself. */
function checkUsage(
  files: LimitFiles,
  { checkBeforeUpdate, limit = 0n, swap = 0n }: MemoryResources,
): void {
  if (checkBeforeUpdate !== true) return;
  const used = numberOf(files.read("memory.current"));
  if (used === undefined) return;
  for (const [field, value] of Object.entries({ limit, swap })) {
    if (value <= 0n || value > used) continue;
    const doing = `limit \`memory.${field}\` to \`${value}\``;
    throw new RuneError({ code: "CGROUP", doing, reason: `${used} bytes are used already` });
  }
}
