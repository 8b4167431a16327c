// SPDX-License-Identifier: Apache-2.0
/** What a test lets the fake kernel do by itself, and how the fake becomes another program. */
import type { Fd, Program } from "./kernel.ts";
import type { RecordingKernel } from "./recording.ts";

/** What a test may do when the code under test does something. */
export type Reactions = {
  spawn?: (program: Program, kernel: RecordingKernel) => void;
  execute?: (program: Program, kernel: RecordingKernel) => void;
  write?: (fd: Fd, bytes: Uint8Array, kernel: RecordingKernel) => void;
  close?: (fd: Fd, kernel: RecordingKernel) => void;
  lock?: (fd: Fd, kernel: RecordingKernel) => void;
  kill?: (pid: number, signal: number, kernel: RecordingKernel) => void;
  /** The names of what is waited for; returns those that are ready. */
  wait?: (names: readonly string[], kernel: RecordingKernel) => readonly string[];
  sleep?: (ms: number, kernel: RecordingKernel) => void;
};

/** Thrown by the fake kernel's `execute`, from which a real one does not return. */
export class Executed extends Error {
  readonly program: Program;
  constructor(program: Program) {
    super(`executed ${program.path}`);
    this.program = program;
  }
}
