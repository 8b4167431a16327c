// SPDX-License-Identifier: Apache-2.0
/**
 * System calls. Not through node:fs: that costs three times the start-up time
 * (docs/explanation/start-cost.md), and changes the flags of descriptors it shares with the caller.
 */
import { RuneError } from "../errors/error.ts";
import { type Address, addon } from "./addon.ts";
import { errnoText } from "./errno.ts";

export const encoder = new TextEncoder();
/** A call's strings and structures are laid out here: its address is fixed, unlike that of small arrays. */
let scratch = new Uint8Array(64 << 10);
let scratchAt = addon.addressOf(scratch);
let used = 0;

/** The raw result of a system call: -errno on failure. Arguments point into scratch or are numbers. */
export function raw(number: number, a = 0, b = 0, c2 = 0, d = 0, e = 0, f = 0): number {
  used = 0;
  return addon.systemCall(number, a, b, c2, d, e, f);
}

export function call(doing: () => string, number: number, ...args: number[]): number {
  const result = raw(number, ...args);
  if (result < 0) throw failure(doing(), -result);
  return result;
}

export function failure(doing: string, errno: number): RuneError {
  return new RuneError({ code: "SYSCALL", doing, reason: errnoText(errno), errno });
}

/** Puts bytes into scratch and returns their address; valid until the next call. */
export function place(bytes: Uint8Array | number): number {
  const size = typeof bytes === "number" ? bytes : bytes.length;
  const start = (used + 7) & ~7;
  if (start + size > scratch.length) {
    throw new RuneError({ code: "SYSCALL", doing: "prepare a system call", reason: "too long" });
  }
  if (typeof bytes === "number") scratch.fill(0, start, start + size);
  else scratch.set(bytes, start);
  used = start + size;
  return scratchAt + start;
}

/** A NUL-terminated string in scratch. */
export function text(value: string): number {
  if (value.includes("\0")) {
    throw new RuneError({ code: "SYSCALL", doing: `use \`${value}\``, reason: "contains NUL" });
  }
  return place(encoder.encode(`${value}\0`));
}

/** What a call has left at an address of {@link place}. */
export function placed(address: number, size: number): DataView {
  return new DataView(scratch.buffer, address - scratchAt, size);
}

/** Makes room for what the next call needs, which is laid out from the beginning. */
export function reserve(size: number): void {
  if (size > scratch.length) {
    scratch = new Uint8Array(size);
    scratchAt = addon.addressOf(scratch);
  }
  used = 0;
}

/** Where the elements of an array of at least 4096 bytes are, from one of them on. */
export function addressIn(array: Uint8Array, offset = 0): Address {
  return addon.addressOf(array) + offset;
}
