// SPDX-License-Identifier: Apache-2.0
/** The virtual machines of `npm run test:vm`, and which tests each of them runs. */

export type Guest = {
  readonly name: string;
  /** What is process 1: a shell script that mounts what is needed, or systemd. */
  readonly init: "shell" | "systemd";
  /** Repository paths of test files. */
  readonly tests: readonly string[];
};

export const guests: readonly Guest[] = [];
