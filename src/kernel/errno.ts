// SPDX-License-Identifier: Apache-2.0
/** Error numbers of include/uapi/asm-generic/errno.h as people read them. */

const texts: Readonly<Record<number, string>> = {
  1: "operation not permitted",
  2: "no such file or directory",
  3: "no such process",
  4: "interrupted system call",
  5: "input/output error",
  6: "no such device or address",
  7: "argument list too long",
  8: "exec format error",
  9: "bad file descriptor",
  10: "no child processes",
  11: "resource temporarily unavailable",
  12: "out of memory",
  13: "permission denied",
  14: "bad address",
  16: "device or resource busy",
  17: "file exists",
  18: "cross-device link",
  19: "no such device",
  20: "not a directory",
  21: "is a directory",
  22: "invalid argument",
  23: "too many open files in system",
  24: "too many open files",
  26: "text file busy",
  27: "file too large",
  28: "no space left on device",
  30: "read-only file system",
  32: "broken pipe",
  36: "file name too long",
  38: "function not implemented",
  39: "directory not empty",
  40: "too many levels of symbolic links",
  95: "operation not supported",
  98: "address already in use",
  104: "connection reset by peer",
  110: "connection timed out",
  111: "connection refused",
  122: "disk quota exceeded",
};

/** "permission denied" for 13; the bare number for one that has no text here. */
export function errnoText(errno: number): string {
  return texts[errno] ?? `error ${errno}`;
}
