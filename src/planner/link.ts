// SPDX-License-Identifier: Apache-2.0
/** What a worker asks of the front once it has said GO: docs/protocol/planner.md. */
import { RuneError } from "../errors/error.ts";
import { EPIPE } from "../kernel/constants.ts";
import { errnoText } from "../kernel/errno.ts";
import type { Fd, Pid, Program } from "../kernel/kernel.ts";
import { type Packet, type PlannerCalls, packetMaxDescriptors } from "../kernel/planner-calls.ts";
import {
  codes,
  decodeDone,
  encodeDescriptors,
  encodeExit,
  encodeProgram,
  encodeReap,
  encodeReapEnded,
  encodeTake,
} from "./frames.ts";

/** A program, the descriptors it gets under their own numbers, and the one it is itself, if it is. */
export type FrontProgram = Program & {
  readonly inherited: readonly Fd[];
  /** Ours, among them `inherited` from 64 on: what the front does not have. */
  readonly brought: readonly Fd[];
};

export type LinkInput = {
  readonly calls: PlannerCalls;
  readonly socket: Fd;
  /** The front's process. */
  readonly pid: Pid;
  /** Ends this process, for a front that has ended or said what it had no right to say. */
  readonly abandon: () => never;
};

export class FrontLink {
  readonly socket: Fd;
  readonly pid: Pid;
  readonly abandon: () => never;
  readonly #calls: PlannerCalls;

  constructor({ calls, socket, pid, abandon }: LinkInput) {
    this.#calls = calls;
    this.socket = socket;
    this.pid = pid;
    this.abandon = abandon;
  }

  spawn(program: FrontProgram): Pid {
    this.#bring(program.brought);
    const code = codes.spawn;
    const pid = this.#ask(encodeProgram(code, program, program.inherited));
    return result(pid, () => `start \`${program.argv[0] ?? program.path}\``) as Pid; // fork(2)
  }

  /** Returns when the front is the program: it cannot tell, its end of the connection is gone. */
  become(program: FrontProgram): void {
    this.#bring(program.brought);
    this.#send(encodeProgram(codes.become, program, program.inherited), []);
    const { bytes } = this.#receive();
    if (bytes.length === 0) return;
    result(decodeDone(bytes), () => `execute \`${program.argv[0] ?? program.path}\``);
    this.abandon();
  }

  reap(pid: Pid): void {
    const answer = this.#ask(encodeReap(pid));
    result(answer, () => "wait for a process");
  }

  reapEnded(): boolean {
    return result(this.#ask(encodeReapEnded()), () => "wait for a process") === 1;
  }

  take(pidfd: Fd, number: number): Fd {
    this.#send(encodeTake(number), [pidfd]);
    const { bytes, descriptors } = this.#receive();
    if (bytes.length === 0) this.abandon();
    result(decodeDone(bytes), () => `take descriptor ${number} of the process`);
    const [fd] = descriptors;
    if (fd === undefined || descriptors.length > 1) return this.abandon();
    return fd;
  }

  /** A front that is gone needs no exit code. */
  exit(code: number): void {
    try {
      this.#calls.send(this.socket, encodeExit(code), []);
    } catch {
      // The verb is done; nobody is there to hear of it.
    }
  }

  #bring(descriptors: readonly Fd[]): void {
    for (let at = 0; at < descriptors.length; at += packetMaxDescriptors) {
      const some = descriptors.slice(at, at + packetMaxDescriptors);
      this.#send(encodeDescriptors(some), some);
    }
  }

  #ask(packet: Uint8Array): number {
    this.#send(packet, []);
    const { bytes, descriptors } = this.#receive();
    if (bytes.length === 0 || descriptors.length > 0) this.abandon();
    return decodeDone(bytes);
  }

  #send(packet: Uint8Array, descriptors: readonly Fd[]): void {
    try {
      this.#calls.send(this.socket, packet, descriptors);
    } catch (error) {
      if (error instanceof RuneError && error.errno === EPIPE) this.abandon();
      throw error;
    }
  }

  #receive(): Packet {
    return this.#calls.receive(this.socket);
  }
}

function result(value: number, doing: () => string): number {
  if (value >= 0) return value;
  const errno = -value;
  throw new RuneError({ code: "SYSCALL", doing: doing(), reason: errnoText(errno), errno });
}
