// SPDX-License-Identifier: Apache-2.0
/**
 * System calls through libc's `syscall`. A foreign function interface rather than node:fs: it costs a
 * third of the start-up time (docs/explanation/start-cost.md), blocks the way C does, and never changes
 * the flags of a descriptor it shares with the caller.
 */
import { dlopen, FFIType, ptr, read as readMemory } from "bun:ffi";
import { RuneError } from "../errors/error.ts";
import { errnoText } from "./errno.ts";

const integer = FFIType.i64;
export const { symbols: libc } = dlopen("libc.so.6", {
  syscall: {
    args: [integer, integer, integer, integer, integer, integer, integer],
    returns: FFIType.i64_fast,
  },
  posix_spawn: { args: ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  __errno_location: { args: [], returns: "ptr" },
});

const errnoAt = libc.__errno_location();
export const encoder = new TextEncoder();
/** A call's strings and structures are laid out here: its address is fixed, unlike that of small arrays. */
let scratch = new Uint8Array(64 << 10);
let scratchAt = ptr(scratch);
let used = 0;

/** The raw result of a system call: -errno on failure. Arguments point into scratch or are numbers. */
export function raw(number: number, a = 0, b = 0, c2 = 0, d = 0, e = 0, f = 0): number {
  used = 0;
  const result = Number(libc.syscall(number, a, b, c2, d, e, f));
  // Nothing runs on this thread between the call and this read that could make another call.
  return result === -1 && errnoAt !== null ? -readMemory.i32(errnoAt, 0) : result;
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
    scratchAt = ptr(scratch);
  }
  used = 0;
}
