// SPDX-License-Identifier: Apache-2.0
/**
 * A fake kernel for tests: files, descriptors and processes in memory, every call written down,
 * and any call made to fail. What a test does with it is `fake-machine.ts`, the files are
 * `fake-files.ts`.
 */
import * as c from "./constants.ts";
import { type Descriptor, failure, parentOf, statOf, textOf } from "./fake-files.ts";
import { FakeMachine } from "./fake-machine.ts";
import type {
  AttachedProgram,
  Awaited,
  DirectoryEntry,
  Fd,
  Kernel,
  Pid,
  Program,
  Received,
  Stat,
} from "./kernel.ts";
import { Executed } from "./reactions.ts";

export class RecordingKernel extends FakeMachine implements Kernel {
  readonly #devicePrograms = new Map<string, Descriptor[]>();
  #now = 0;
  #mask = 0o022;

  open(path: string, flags: number, mode = 0o644): Fd {
    this.record("open", path);
    const own = /^\/proc\/self\/fd\/(\d+)$/.exec(path)?.[1];
    const node =
      own === undefined
        ? this.files.open(path, flags, mode & ~this.#mask)
        : this.opened(Number(own), path).node;
    const fd = this.add(path, node);
    if ((flags & c.O_APPEND) !== 0) this.opened(fd, "open").position = node.content.length;
    return fd;
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
    this.drop(fd);
    this.reactions.close?.(fd, this);
  }

  read(fd: Fd, maxBytes: number): Uint8Array {
    this.record("read", this.nameOf(fd));
    const open = this.opened(fd, "read");
    if (open.node.kind === "socket")
      return (open.packets.shift() ?? new Uint8Array()).slice(0, maxBytes);
    const bytes = open.node.content.slice(open.position, open.position + maxBytes);
    open.position += bytes.length;
    return bytes;
  }

  write(fd: Fd, bytes: Uint8Array): void {
    const shown =
      bytes.length <= 24 && bytes.every((byte) => byte >= 32) ? ` ${textOf(bytes)}` : "";
    this.record("write", `${this.nameOf(fd)}${shown}`);
    const open = this.opened(fd, "write");
    const pseudo = this.files.pseudo(open.name);
    if (pseudo !== undefined) {
      open.node.content = new TextEncoder().encode(pseudo.write(open.name, textOf(bytes)));
    } else if (open.node.kind === "file") {
      // A file of the kernel's takes a new value, any other keeps what is behind the written part.
      const old = this.files.isCgroup(open.name) ? new Uint8Array() : open.node.content;
      const whole = new Uint8Array(Math.max(old.length, open.position + bytes.length));
      whole.set(old);
      whole.set(bytes, open.position);
      open.node.content = whole;
      open.position += bytes.length;
    }
    this.reactions.write?.(fd, bytes, this);
  }

  mkdir(path: string, mode: number): void {
    this.record("mkdir", path, mode.toString(8));
    this.files.mkdir(path, mode & ~this.#mask);
  }

  rmdir(path: string): void {
    this.record("rmdir", path);
    this.files.rmdir(path);
  }

  rmdirAt(directory: Fd, name: string): void {
    this.rmdir(`${this.nameOf(directory)}/${name}`);
  }

  unlink(path: string): void {
    this.record("unlink", path);
    this.files.unlink(path);
  }

  rename(from: string, to: string): void {
    this.record("rename", from, to);
    this.files.rename(from, to);
  }

  mkfifo(path: string, mode: number): void {
    this.record("mkfifo", path, mode.toString(8));
    this.files.make(path, "fifo", mode);
  }

  chmod(path: string, mode: number): void {
    this.record("chmod", path, mode.toString(8));
    this.files.find(this.#opened(path), `chmod \`${path}\``).mode = mode;
  }

  chown(path: string, uid: number, gid: number): void {
    this.record("chown", path, `${uid}:${gid}`);
    this.files.find(this.#opened(path), `chown \`${path}\``);
  }

  /** A magic link leads to what the descriptor is of. */
  #opened(path: string): string {
    const fd = /^\/proc\/self\/fd\/(\d+)$/.exec(path)?.[1];
    return fd === undefined ? path : this.nameOf(Number(fd));
  }

  stat(path: string, call = "stat"): Stat {
    this.record(call, path);
    return statOf(this.files.find(path, `stat \`${path}\``));
  }

  lstat(path: string): Stat {
    return this.stat(path, "lstat");
  }

  fstat(fd: Fd): Stat {
    this.record("fstat", this.nameOf(fd));
    return statOf(this.opened(fd, "stat").node);
  }

  readlink(path: string): string {
    this.record("readlink", path);
    const node = this.files.find(path, `readlink \`${path}\``);
    if (node.kind !== "link") throw failure(`readlink \`${path}\``, c.EINVAL);
    return textOf(node.content);
  }

  list(path: string): DirectoryEntry[] {
    this.record("list", path);
    return this.files.list(path);
  }

  listAt(directory: Fd): DirectoryEntry[] {
    return this.list(this.nameOf(directory));
  }

  chdir(path: string): void {
    this.record("chdir", path);
    this.files.find(path, `enter \`${path}\``);
  }

  umask(mask: number): number {
    const before = this.#mask;
    this.#mask = mask;
    return before;
  }

  memfd(name: string): Fd {
    this.record("memfd", name);
    const node = this.files.node("file");
    this.memfds.set(name, node);
    return this.add(`memfd:${name}`, node);
  }

  seal(memfd: Fd): void {
    this.record("seal", this.nameOf(memfd));
  }

  sealedCopy(path: string, name: string): Fd {
    this.record("sealedCopy", path);
    return this.add(`memfd:${name}`, this.files.find(path, `open \`${path}\``));
  }

  packetPair(): [Fd, Fd] {
    this.record("packetPair");
    return this.#pair("channel");
  }

  streamPair(): [Fd, Fd] {
    this.record("streamPair");
    return this.#pair("stream");
  }

  connectUnix(path: string): Fd {
    this.record("connectUnix", path);
    return this.add(path, this.files.node("socket"));
  }

  listenUnix(path: string, backlog: number): Fd {
    this.record("listenUnix", path, String(backlog));
    return this.add(path, this.files.make(path, "socket", 0o777 & ~this.#mask));
  }

  bindDatagram(path: string): Fd {
    this.record("bindDatagram", path);
    return this.add(path, this.files.make(path, "socket", 0o777 & ~this.#mask));
  }

  connectDatagram(path: string): Fd {
    this.record("connectDatagram", path);
    return this.add(path, this.files.node("socket"));
  }

  routeSocket(namespace?: Fd): Fd {
    this.record("routeSocket", ...(namespace === undefined ? [] : [this.nameOf(namespace)]));
    return this.add("rtnetlink", this.files.node("socket"));
  }

  sendDescriptor(socket: Fd, bytes: Uint8Array, fd: Fd): void {
    this.record("sendDescriptor", this.nameOf(socket), this.nameOf(fd), textOf(bytes));
  }

  receiveDescriptors(socket: Fd, maxBytes: number): Received {
    this.record("receiveDescriptors", this.nameOf(socket));
    const packet = this.opened(socket, "recvmsg").packets.shift() ?? new Uint8Array();
    const descriptors = this.cameWith(packet).map((name) =>
      this.add(name, this.files.node("other")),
    );
    return { bytes: packet.slice(0, maxBytes), descriptors };
  }

  waitReadable(fd: Fd, timeoutMs: number): boolean {
    this.record("waitReadable", this.nameOf(fd), String(timeoutMs));
    return this.opened(fd, "poll").packets.length > 0;
  }

  eventFd(): Fd {
    this.record("eventFd");
    return this.add("event", this.files.node("other"));
  }

  waitAny(awaited: readonly Awaited[], timeoutMs: number): Fd[] {
    const names = awaited.map(({ fd }) => this.nameOf(fd));
    this.record("waitAny", ...names, String(timeoutMs));
    const ready = this.reactions.wait?.(names, this) ?? [];
    const found = awaited.map(({ fd }) => fd).filter((fd) => ready.includes(this.nameOf(fd)));
    if (found.length === 0) this.sleepMs(timeoutMs);
    return found;
  }

  setInherited(fd: Fd, inherited: boolean): void {
    this.record("setInherited", this.nameOf(fd), String(inherited));
    this.opened(fd, "fcntl").inherited = inherited;
  }

  loadDeviceProgram(name: string, instructions: Uint8Array): Fd {
    this.record("loadDeviceProgram", name);
    const program = this.files.node("other");
    program.content = instructions;
    return this.add(`program:${name}`, program);
  }

  devicePrograms(cgroup: Fd): AttachedProgram[] {
    this.record("devicePrograms", this.nameOf(cgroup));
    return (this.#devicePrograms.get(this.nameOf(cgroup)) ?? []).map(({ name, node }) => ({
      name: name.slice("program:".length),
      program: this.add(name, node),
    }));
  }

  attachDeviceProgram(cgroup: Fd, program: Fd, replaced?: Fd): void {
    const names = [cgroup, program, ...(replaced === undefined ? [] : [replaced])].map((fd) =>
      this.nameOf(fd),
    );
    this.record("attachDeviceProgram", ...names);
    const old = replaced === undefined ? undefined : this.opened(replaced, "attach").node;
    const present = this.#devicePrograms.get(this.nameOf(cgroup)) ?? [];
    this.#devicePrograms.set(this.nameOf(cgroup), [
      ...present.filter(({ node }) => node !== old),
      this.opened(program, "attach"),
    ]);
  }

  /** The device programs attached to a cgroup, in order of attachment. */
  attachedPrograms(cgroup: string): Uint8Array[] {
    return (this.#devicePrograms.get(cgroup) ?? []).map(({ node }) => node.content);
  }

  /** By name, as /proc/PID/ns has it: the file's last part. */
  namespaceType(fd: Fd): number | undefined {
    this.record("namespaceType", this.nameOf(fd));
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
    this.record("lock", this.nameOf(fd));
    this.reactions.lock?.(fd, this);
  }

  spawn(program: Program): Pid {
    this.record("spawn", ...program.argv);
    this.reactions.spawn?.(program, this);
    return (this.ownPid + 1) as Pid; // of the process that is pretended to run
  }

  async execute(program: Program): Promise<never> {
    this.record("execute", ...program.argv);
    this.reactions.execute?.(program, this);
    throw new Executed(program);
  }

  /** The fake's processes leave no zombies. */
  reap(pid: Pid): void {
    this.record("reap", String(pid));
  }

  reapChildren(): boolean {
    this.record("reapChildren");
    return true;
  }

  resetSignals(): void {
    this.record("resetSignals");
  }

  kill(pid: Pid, signal: number): void {
    this.record("kill", String(pid), String(signal));
    this.#requireProcess(pid);
    this.#signal(pid, signal);
  }

  pidfd(pid: Pid): Fd {
    this.record("pidfd", String(pid));
    this.#requireProcess(pid);
    return this.add(`pidfd:${pid}`, this.files.node("other"));
  }

  pidfdSignal(pidfd: Fd, signal: number): void {
    this.record("pidfdSignal", this.nameOf(pidfd), String(signal));
    const pid = Number(this.nameOf(pidfd).slice("pidfd:".length));
    this.#requireProcess(pid);
    this.#signal(pid, signal);
  }

  pidfdGetFd(pidfd: Fd, number: number): Fd {
    this.record("pidfdGetFd", this.nameOf(pidfd), String(number));
    return this.add(`${this.nameOf(pidfd)}/${number}`, this.files.node("other"));
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

  #pair(name: string): [Fd, Fd] {
    const [one, other] = [this.files.node("socket"), this.files.node("socket")];
    return [this.add(name, one), this.add(`${name}:peer`, other)];
  }

  #requireProcess(pid: number): void {
    if (this.files.get(`/proc/${pid}`) === undefined) throw failure(`process ${pid}`, c.ESRCH);
  }

  #signal(pid: number, signal: number): void {
    this.signals.push(`${pid}:${signal}`);
    if (this.reactions.kill !== undefined) this.reactions.kill(pid, signal, this);
    else if (signal === c.SIGKILL) this.endProcess(pid);
  }
}
