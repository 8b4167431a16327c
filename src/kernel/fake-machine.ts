// SPDX-License-Identifier: Apache-2.0
/**
 * The machine under the fake kernel: what a test puts there, which calls it lets fail, what it looks
 * at afterwards, and the table of descriptors. The system calls are `recording.ts`.
 */
import {
  type Descriptor,
  descriptor,
  FakeFiles,
  failure,
  type Node,
  type PseudoFiles,
  parentOf,
} from "./fake-files.ts";
import type { Fd } from "./kernel.ts";
import type { Reactions } from "./reactions.ts";

export type FakeProcess = {
  readonly startTime?: number;
  readonly parent?: number;
  readonly state?: string;
  readonly command?: string;
};

export class FakeMachine {
  /** One line a call: `mkdir /run/rune 711`; descriptors by the name they were opened under. */
  readonly calls: string[] = [];
  readonly reactions: Reactions = {};
  /** Signals sent, as `pid:signal`. */
  readonly signals: string[] = [];
  uid = 0;
  gid = 0;
  ownPid = 100;
  protected readonly files = new FakeFiles();
  protected readonly memfds = new Map<string, Node>();
  readonly #descriptors = new Map<number, Descriptor>();
  readonly #failures: { readonly call: string; readonly errno: number }[] = [];
  #failAt: { readonly call: number; readonly errno: number } | undefined;
  #nextFd = 3;

  directory(path: string): this {
    this.files.directory(path);
    return this;
  }

  file(path: string, content: string | Uint8Array): this {
    this.directory(parentOf(path)).files.put(path, "file", content);
    return this;
  }

  link(path: string, target: string): this {
    this.directory(parentOf(path)).files.put(path, "link", target);
    return this;
  }

  fifo(path: string, hasReader: boolean): this {
    this.directory(parentOf(path)).files.put(path, "fifo").hasReader = hasReader;
    return this;
  }

  /** A cgroup hierarchy: each directory made below gets the files. */
  cgroupMount(mountPoint: string, files: Record<string, string>): this {
    this.files.cgroupMount(mountPoint, files);
    return this;
  }

  pseudoMount(files: PseudoFiles): this {
    this.files.pseudoMount(files);
    return this;
  }

  /** A process, as /proc/PID/stat tells of it. */
  process(pid: number, process: FakeProcess = {}): this {
    const { startTime = 1000, parent = this.ownPid, state = "S", command = "payload" } = process;
    const fields = [state, parent, ...Array<number>(17).fill(0), startTime, ...Array(30).fill(0)];
    return this.file(`/proc/${pid}/stat`, `${pid} (${command}) ${fields.join(" ")}\n`);
  }

  endProcess(pid: number): void {
    this.files.forget(`/proc/${pid}/stat`);
    this.files.forget(`/proc/${pid}`);
    this.files.leaveCgroups(pid);
  }

  /** The next call whose line begins so fails; may be said several times. */
  fail(call: string, errno: number): this {
    this.#failures.push({ call, errno });
    return this;
  }

  /** The n-th call that can fail, from 1 on, does. */
  failCall(call: number, errno: number): this {
    this.#failAt = { call, errno };
    return this;
  }

  /** How many calls there were that could have failed. */
  fallible = 0;

  /** Queues a packet for whoever reads the descriptor. */
  deliver(fd: number, packet: Uint8Array): void {
    this.opened(fd, "deliver").packets.push(packet);
  }

  text(path: string): string | undefined {
    return this.files.text(path);
  }

  /** Every path that exists below a directory, sorted. */
  below(path: string): string[] {
    return this.files.below(path);
  }

  /** What was last written to a memfd of that name, byte by byte as characters. */
  lastMemfd(name: string): string {
    return String.fromCharCode(...(this.memfds.get(name)?.content ?? []));
  }

  /** Names of what is open, in the order of opening. */
  openNames(): string[] {
    return [...this.#descriptors.values()].map(({ name }) => name);
  }

  nameOf(fd: number): string {
    return this.#descriptors.get(fd)?.name ?? `${fd}?`;
  }

  /** A descriptor of the caller's that was open from the start. */
  given(fd: number, name: string): this {
    this.#descriptors.set(fd, descriptor(name, this.files.node("other")));
    this.#nextFd = Math.max(this.#nextFd, fd + 1);
    return this;
  }

  /** Writes a call down, and fails where the test wants it to. */
  protected record(...words: string[]): void {
    const line = words.join(" ");
    this.calls.push(line);
    this.fallible++;
    const index = this.#failures.findIndex(({ call }) => line.startsWith(call));
    const [scripted] = index < 0 ? [] : this.#failures.splice(index, 1);
    const due = scripted ?? (this.#failAt?.call === this.fallible ? this.#failAt : undefined);
    if (due !== undefined) throw failure(line, due.errno);
  }

  protected add(name: string, node: Node): Fd {
    const fd = this.#nextFd++;
    this.#descriptors.set(fd, descriptor(name, node));
    return fd as Fd; // the fake gave it out
  }

  protected opened(fd: number, doing: string): Descriptor {
    const found = this.#descriptors.get(fd);
    if (found === undefined) throw failure(doing, 9 /* EBADF */);
    return found;
  }

  protected drop(fd: number): void {
    if (!this.#descriptors.delete(fd)) throw new Error(`closed twice: ${fd}`);
  }
}
