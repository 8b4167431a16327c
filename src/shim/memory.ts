// SPDX-License-Identifier: Apache-2.0
/** What `delete` needs to know of a container when the server is dead. */
import { ENOENT, O_CREAT, O_TRUNC, O_WRONLY } from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno } from "../kernel/kernel.ts";
import type { Place } from "./place.ts";

export type Remembered = {
  readonly root: string;
  /** The directory of its monitor. */
  readonly pod: string;
  /** Of its first process, in decimal. */
  readonly token: string;
};

export function rememberTask(kernel: Kernel, place: Place, id: string, known: Remembered): void {
  const fd = kernel.open(pathOf(place, id), O_WRONLY | O_CREAT | O_TRUNC, 0o600);
  try {
    kernel.write(fd, new TextEncoder().encode(JSON.stringify(known)));
  } finally {
    kernel.close(fd);
  }
}

export function recallTask(kernel: Kernel, place: Place, id: string): Remembered | undefined {
  const text = unlessErrno(() => readText(kernel, pathOf(place, id)), ENOENT);
  // Written by this program alone, in a directory that is root's.
  return text === undefined || text === "" ? undefined : (JSON.parse(text) as Remembered);
}

export function forgetTask(kernel: Kernel, place: Place, id: string): void {
  unlessErrno(() => kernel.unlink(pathOf(place, id)), ENOENT);
}

function pathOf(place: Place, id: string): string {
  return `${place.tasks}/${id}`;
}
