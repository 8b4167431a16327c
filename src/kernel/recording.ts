// SPDX-License-Identifier: Apache-2.0
/**
 * A fake kernel for tests: files, descriptors and processes in memory, every call written down,
 * and any call made to fail. The files are `fake-files.ts`.
 */
import * as c from "./constants.ts";
import {
  type Descriptor,
  descriptor,
  FakeFiles,
  failure,
  type Node,
  type PseudoFiles,
  parentOf,
  statOf,
  textOf,
} from "./fake-files.ts";

import type {
  AttachedProgram,
  Awaited,
  DirectoryEntry,
  Fd,
  Kernel,
  Pid,
  Program,
  Stat,
} from "./kernel.ts";
import { Executed, type Reactions } from "./reactions.ts";

export type FakeProcess = {
  readonly startTime?: number;
  readonly parent?: number;
  readonly state?: string;
  readonly command?: string;
};

export class RecordingKernel implements Kernel {
  /** One line a call: `mkdir /run/rune 711`; descriptors by the name they were opened under. */
  readonly calls: string[] = [];
  readonly reactions: Reactions = {};
  /** Signals sent, as `pid:signal`. */
  readonly signals: string[] = [];
  uid = 0;
  gid = 0;
  ownPid = 100;
  readonly #files = new FakeFiles();
  readonly #memfds = new Map<string, Node>();
  readonly #descriptors = new Map<number, Descriptor>();
  readonly #devicePrograms = new Map<string, Descriptor[]>();
  readonly #failures: { readonly call: string; readonly errno: number }[] = [];
  #failAt: { readonly call: number; readonly errno: number } | undefined;
  #nextFd = 3;
  #now = 0;
  #mask = 0o022;

  directory(path: string): this {
    this.#files.directory(path);
    return this;
  }

  file(path: string, content: string | Uint8Array): this {
    this.directory(parentOf(path)).#files.put(path, "file", content);
    return this;
  }

  link(path: string, target: string): this {
    this.directory(parentOf(path)).#files.put(path, "link", target);
    return this;
  }

  fifo(path: string, hasReader: boolean): this {
    this.directory(parentOf(path)).#files.put(path, "fifo").hasReader = hasReader;
    return this;
  }

  /** A cgroup hierarchy: each directory made below gets the files. */
  cgroupMount(mountPoint: string, files: Record<string, string>): this {
    this.#files.cgroupMount(mountPoint, files);
    return this;
  }

  pseudoMount(files: PseudoFiles): this {
    this.#files.pseudoMount(files);
    return this;
  }

  /** A process, as /proc/PID/stat tells of it. */
  process(pid: number, process: FakeProcess = {}): this {
    const { startTime = 1000, parent = this.ownPid, state = "S", command = "payload" } = process;
    const fields = [state, parent, ...Array<number>(17).fill(0), startTime, ...Array(30).fill(0)];
    return this.file(`/proc/${pid}/stat`, `${pid} (${command}) ${fields.join(" ")}\n`);
  }

  endProcess(pid: number): void {
    this.#files.forget(`/proc/${pid}/stat`);
    this.#files.forget(`/proc/${pid}`);
    this.#files.leaveCgroups(pid);
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
    this.#open(fd, "deliver").packets.push(packet);
  }

  text(path: string): string | undefined {
    return this.#files.text(path);
  }

  /** Every path that exists below a directory, sorted. */
  below(path: string): string[] {
    return this.#files.below(path);
  }

  /** What was last written to a memfd of that name, byte by byte as characters. */
  lastMemfd(name: string): string {
    return String.fromCharCode(...(this.#memfds.get(name)?.content ?? []));
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
    this.#descriptors.set(fd, descriptor(name, this.#files.node("other")));
    this.#nextFd = Math.max(this.#nextFd, fd + 1);
    return this;
  }

  open(path: string, flags: number, mode = 0o644): Fd {
    this.#call("open", path);
    const own = /^\/proc\/self\/fd\/(\d+)$/.exec(path)?.[1];
    const node =
      own === undefined
        ? this.#files.open(path, flags, mode & ~this.#mask)
        : this.#open(Number(own), path).node;
    return this.#add(path, node);
  }

  openAt(directory: Fd, path: string, flags: number, mode = 0o644): Fd {
    const name = this.nameOf(directory);
    return this.open(path === ".." ? parentOf(name) : `${name}/${path}`, flags, mode);
  }

  /** The fake has no magic links. */
  openWithoutMagicLinks(path: string, flags: number): Fd {
    return this.open(path, flags);
  }

  close(fd: Fd): void {
    this.calls.push(`close ${this.nameOf(fd)}`);
    if (!this.#descriptors.delete(fd)) throw new Error(`closed twice: ${fd}`);
    this.reactions.close?.(fd, this);
  }

  read(fd: Fd, maxBytes: number): Uint8Array {
    this.#call("read", this.nameOf(fd));
    const open = this.#open(fd, "read");
    if (open.node.kind === "socket")
      return (open.packets.shift() ?? new Uint8Array()).slice(0, maxBytes);
    const bytes = open.node.content.slice(open.position, open.position + maxBytes);
    open.position += bytes.length;
    return bytes;
  }

  write(fd: Fd, bytes: Uint8Array): void {
    const shown =
      bytes.length <= 24 && bytes.every((byte) => byte >= 32) ? ` ${textOf(bytes)}` : "";
    this.#call("write", `${this.nameOf(fd)}${shown}`);
    const open = this.#open(fd, "write");
    const pseudo = this.#files.pseudo(open.name);
    if (pseudo !== undefined) {
      open.node.content = new TextEncoder().encode(pseudo.write(open.name, textOf(bytes)));
    } else if (open.node.kind === "file") {
      // A file of the kernel's takes a new value, any other keeps what is behind the written part.
      const old = this.#files.isCgroup(open.name) ? new Uint8Array() : open.node.content;
      const whole = new Uint8Array(Math.max(old.length, open.position + bytes.length));
      whole.set(old);
      whole.set(bytes, open.position);
      open.node.content = whole;
      open.position += bytes.length;
    }
    this.reactions.write?.(fd, bytes, this);
  }

  mkdir(path: string, mode: number): void {
    this.#call("mkdir", path, mode.toString(8));
    this.#files.mkdir(path, mode & ~this.#mask);
  }

  rmdir(path: string): void {
    this.#call("rmdir", path);
    this.#files.rmdir(path);
  }

  rmdirAt(directory: Fd, name: string): void {
    this.rmdir(`${this.nameOf(directory)}/${name}`);
  }

  unlink(path: string): void {
    this.#call("unlink", path);
    this.#files.unlink(path);
  }

  rename(from: string, to: string): void {
    this.#call("rename", from, to);
    this.#files.rename(from, to);
  }

  mkfifo(path: string, mode: number): void {
    this.#call("mkfifo", path, mode.toString(8));
    this.#files.make(path, "fifo", mode);
  }

  chmod(path: string, mode: number): void {
    this.#call("chmod", path, mode.toString(8));
    this.#files.find(path, `chmod \`${path}\``).mode = mode;
  }

  chown(path: string, uid: number, gid: number): void {
    this.#call("chown", path, `${uid}:${gid}`);
    this.#files.find(path, `chown \`${path}\``);
  }

  stat(path: string, call = "stat"): Stat {
    this.#call(call, path);
    return statOf(this.#files.find(path, `stat \`${path}\``));
  }

  lstat(path: string): Stat {
    return this.stat(path, "lstat");
  }

  fstat(fd: Fd): Stat {
    this.#call("fstat", this.nameOf(fd));
    return statOf(this.#open(fd, "stat").node);
  }

  readlink(path: string): string {
    this.#call("readlink", path);
    const node = this.#files.find(path, `readlink \`${path}\``);
    if (node.kind !== "link") throw failure(`readlink \`${path}\``, c.EINVAL);
    return textOf(node.content);
  }

  list(path: string): DirectoryEntry[] {
    this.#call("list", path);
    return this.#files.list(path);
  }

  listAt(directory: Fd): DirectoryEntry[] {
    return this.list(this.nameOf(directory));
  }

  chdir(path: string): void {
    this.#call("chdir", path);
    this.#files.find(path, `enter \`${path}\``);
  }

  umask(mask: number): number {
    const before = this.#mask;
    this.#mask = mask;
    return before;
  }

  memfd(name: string): Fd {
    this.#call("memfd", name);
    const node = this.#files.node("file");
    this.#memfds.set(name, node);
    return this.#add(`memfd:${name}`, node);
  }

  seal(memfd: Fd): void {
    this.#call("seal", this.nameOf(memfd));
  }

  sealedCopy(path: string, name: string): Fd {
    this.#call("sealedCopy", path);
    return this.#add(`memfd:${name}`, this.#files.find(path, `open \`${path}\``));
  }

  packetPair(): [Fd, Fd] {
    this.#call("packetPair");
    return this.#pair("channel");
  }

  streamPair(): [Fd, Fd] {
    this.#call("streamPair");
    return this.#pair("stream");
  }

  connectUnix(path: string): Fd {
    this.#call("connectUnix", path);
    return this.#add(path, this.#files.node("socket"));
  }

  listenUnix(path: string, backlog: number): Fd {
    this.#call("listenUnix", path, String(backlog));
    return this.#add(path, this.#files.make(path, "socket", 0o777 & ~this.#mask));
  }

  bindDatagram(path: string): Fd {
    this.#call("bindDatagram", path);
    return this.#add(path, this.#files.make(path, "socket", 0o777 & ~this.#mask));
  }

  connectDatagram(path: string): Fd {
    this.#call("connectDatagram", path);
    return this.#add(path, this.#files.node("socket"));
  }

  routeSocket(namespace?: Fd): Fd {
    this.#call("routeSocket", ...(namespace === undefined ? [] : [this.nameOf(namespace)]));
    return this.#add("rtnetlink", this.#files.node("socket"));
  }

  sendDescriptor(socket: Fd, bytes: Uint8Array, fd: Fd): void {
    this.#call("sendDescriptor", this.nameOf(socket), this.nameOf(fd), textOf(bytes));
  }

  waitReadable(fd: Fd, timeoutMs: number): boolean {
    this.#call("waitReadable", this.nameOf(fd), String(timeoutMs));
    return this.#open(fd, "poll").packets.length > 0;
  }

  eventFd(): Fd {
    this.#call("eventFd");
    return this.#add("event", this.#files.node("other"));
  }

  waitAny(awaited: readonly Awaited[], timeoutMs: number): Fd[] {
    const names = awaited.map(({ fd }) => this.nameOf(fd));
    this.#call("waitAny", ...names, String(timeoutMs));
    const ready = this.reactions.wait?.(names, this) ?? [];
    const found = awaited.map(({ fd }) => fd).filter((fd) => ready.includes(this.nameOf(fd)));
    if (found.length === 0) this.sleepMs(timeoutMs);
    return found;
  }

  setInherited(fd: Fd, inherited: boolean): void {
    this.#call("setInherited", this.nameOf(fd), String(inherited));
    this.#open(fd, "fcntl").inherited = inherited;
  }

  loadDeviceProgram(name: string, instructions: Uint8Array): Fd {
    this.#call("loadDeviceProgram", name);
    const program = this.#files.node("other");
    program.content = instructions;
    return this.#add(`program:${name}`, program);
  }

  devicePrograms(cgroup: Fd): AttachedProgram[] {
    this.#call("devicePrograms", this.nameOf(cgroup));
    return (this.#devicePrograms.get(this.nameOf(cgroup)) ?? []).map(({ name, node }) => ({
      name: name.slice("program:".length),
      program: this.#add(name, node),
    }));
  }

  attachDeviceProgram(cgroup: Fd, program: Fd, replaced?: Fd): void {
    const names = [cgroup, program, ...(replaced === undefined ? [] : [replaced])].map((fd) =>
      this.nameOf(fd),
    );
    this.#call("attachDeviceProgram", ...names);
    const old = replaced === undefined ? undefined : this.#open(replaced, "attach").node;
    const present = this.#devicePrograms.get(this.nameOf(cgroup)) ?? [];
    this.#devicePrograms.set(this.nameOf(cgroup), [
      ...present.filter(({ node }) => node !== old),
      this.#open(program, "attach"),
    ]);
  }

  /** The device programs attached to a cgroup, in order of attachment. */
  attachedPrograms(cgroup: string): Uint8Array[] {
    return (this.#devicePrograms.get(cgroup) ?? []).map(({ node }) => node.content);
  }

  /** By name, as /proc/PID/ns has it: the file's last part. */
  namespaceType(fd: Fd): number | undefined {
    this.#call("namespaceType", this.nameOf(fd));
    const name = this.nameOf(fd).split("/").at(-1);
    const flags: Record<string, number> = {
      time: 0x80,
      mnt: 0x20000,
      cgroup: 0x2000000,
      uts: 0x4000000,
      ipc: 0x8000000,
      user: 0x10000000,
      pid: 0x20000000,
      net: 0x40000000,
    };
    return flags[name ?? ""];
  }

  lock(fd: Fd): void {
    this.#call("lock", this.nameOf(fd));
    this.reactions.lock?.(fd, this);
  }

  spawn(program: Program): Pid {
    this.#call("spawn", ...program.argv);
    this.reactions.spawn?.(program, this);
    return (this.ownPid + 1) as Pid; // of the process that is pretended to run
  }

  async execute(program: Program): Promise<never> {
    this.#call("execute", ...program.argv);
    this.reactions.execute?.(program, this);
    throw new Executed(program);
  }

  /** The fake's processes leave no zombies. */
  reap(pid: Pid): void {
    this.#call("reap", String(pid));
  }

  reapChildren(): boolean {
    this.#call("reapChildren");
    return true;
  }

  resetSignals(): void {
    this.#call("resetSignals");
  }

  kill(pid: Pid, signal: number): void {
    this.#call("kill", String(pid), String(signal));
    this.#requireProcess(pid);
    this.#signal(pid, signal);
  }

  pidfd(pid: Pid): Fd {
    this.#call("pidfd", String(pid));
    this.#requireProcess(pid);
    return this.#add(`pidfd:${pid}`, this.#files.node("other"));
  }

  pidfdSignal(pidfd: Fd, signal: number): void {
    this.#call("pidfdSignal", this.nameOf(pidfd), String(signal));
    const pid = Number(this.nameOf(pidfd).slice("pidfd:".length));
    this.#requireProcess(pid);
    this.#signal(pid, signal);
  }

  pidfdGetFd(pidfd: Fd, number: number): Fd {
    this.#call("pidfdGetFd", this.nameOf(pidfd), String(number));
    return this.#add(`${this.nameOf(pidfd)}/${number}`, this.#files.node("other"));
  }

  pid(): Pid {
    return this.ownPid as Pid; // the pretended one
  }

  euid(): number {
    return this.uid;
  }

  egid(): number {
    return this.gid;
  }

  nowMs(): number {
    return this.#now;
  }

  sleepMs(ms: number): void {
    this.#now += ms;
    this.reactions.sleep?.(ms, this);
  }

  #call(...words: string[]): void {
    const line = words.join(" ");
    this.calls.push(line);
    this.fallible++;
    const index = this.#failures.findIndex(({ call }) => line.startsWith(call));
    const [scripted] = index < 0 ? [] : this.#failures.splice(index, 1);
    const due = scripted ?? (this.#failAt?.call === this.fallible ? this.#failAt : undefined);
    if (due !== undefined) throw failure(line, due.errno);
  }

  #pair(name: string): [Fd, Fd] {
    const [one, other] = [this.#files.node("socket"), this.#files.node("socket")];
    return [this.#add(name, one), this.#add(`${name}:peer`, other)];
  }

  #requireProcess(pid: number): void {
    if (this.#files.get(`/proc/${pid}`) === undefined) throw failure(`process ${pid}`, c.ESRCH);
  }

  #signal(pid: number, signal: number): void {
    this.signals.push(`${pid}:${signal}`);
    if (this.reactions.kill !== undefined) this.reactions.kill(pid, signal, this);
    else if (signal === c.SIGKILL) this.endProcess(pid);
  }

  #add(name: string, node: Node): Fd {
    const fd = this.#nextFd++;
    this.#descriptors.set(fd, descriptor(name, node));
    return fd as Fd; // the fake gave it out
  }

  #open(fd: number, doing: string): Descriptor {
    const found = this.#descriptors.get(fd);
    if (found === undefined) throw failure(doing, 9 /* EBADF */);
    return found;
  }
}
