// SPDX-License-Identifier: Apache-2.0
/**
 * A fake kernel for tests: files, descriptors and processes in memory, every call written down,
 * and any call made to fail. It knows as much of Linux as the runtime's logic depends on: directories
 * are empty before they go, a cgroup comes with its files and stays while it has processes.
 */
import { RuneError } from "../errors/error.ts";
import * as c from "./constants.ts";
import { errnoText } from "./errno.ts";
import type { AttachedProgram, DirectoryEntry, Fd, Kernel, Pid, Program, Stat } from "./kernel.ts";

type Kind = "file" | "directory" | "fifo" | "link" | "socket" | "other";

type Node = {
  readonly kind: Kind;
  readonly inode: bigint;
  content: Uint8Array;
  mode: number;
  links: number;
  /** Somebody holds the fifo open for reading. */
  hasReader: boolean;
};

type Descriptor = {
  readonly name: string;
  readonly node: Node;
  position: number;
  inherited: boolean;
  /** Packets to read, for one end of a pair. */
  readonly packets: Uint8Array[];
};

/** What a test may do when the code under test does something. */
export type Reactions = {
  spawn?: (program: Program, kernel: RecordingKernel) => void;
  execute?: (program: Program, kernel: RecordingKernel) => void;
  write?: (fd: Fd, bytes: Uint8Array, kernel: RecordingKernel) => void;
  close?: (fd: Fd, kernel: RecordingKernel) => void;
  lock?: (fd: Fd, kernel: RecordingKernel) => void;
  kill?: (pid: number, signal: number, kernel: RecordingKernel) => void;
  sleep?: (ms: number, kernel: RecordingKernel) => void;
};

export type FakeProcess = {
  readonly startTime?: number;
  readonly parent?: number;
  readonly state?: string;
  readonly command?: string;
};

const kindBits: Readonly<Record<Kind, number>> = {
  file: c.S_IFREG,
  directory: c.S_IFDIR,
  fifo: c.S_IFIFO,
  link: c.S_IFLNK,
  socket: c.S_IFSOCK,
  other: 0,
};

/** Thrown by {@link RecordingKernel.execute}, which a real one does not return from. */
export class Executed extends Error {
  readonly program: Program;
  constructor(program: Program) {
    super(`executed ${program.path}`);
    this.program = program;
  }
}

export class RecordingKernel implements Kernel {
  /** One line a call: `mkdir /run/rune 711`; descriptors by the name they were opened under. */
  readonly calls: string[] = [];
  readonly reactions: Reactions = {};
  /** Signals sent, as `pid:signal`. */
  readonly signals: string[] = [];
  uid = 0;
  gid = 0;
  ownPid = 100;
  readonly #nodes = new Map<string, Node>();
  readonly #descriptors = new Map<number, Descriptor>();
  readonly #devicePrograms = new Map<string, Descriptor[]>();
  readonly #cgroups: { readonly mountPoint: string; readonly files: Record<string, string> }[] = [];
  readonly #failures: { readonly call: string; readonly errno: number }[] = [];
  #failAt: { readonly call: number; readonly errno: number } | undefined;
  #nextFd = 3;
  #inodes = 0n;
  #now = 0;
  #mask = 0o022;

  constructor() {
    this.#put("/", "directory");
  }

  // What a test prepares and looks at.

  directory(path: string): this {
    for (let at = path.indexOf("/", 1); at > 0; at = path.indexOf("/", at + 1)) {
      if (!this.#nodes.has(path.slice(0, at))) this.#put(path.slice(0, at), "directory");
    }
    if (!this.#nodes.has(path)) this.#put(path, "directory");
    return this;
  }

  file(path: string, content: string | Uint8Array): this {
    this.directory(parentOf(path));
    this.#put(path, "file").content = typeof content === "string" ? bytesOf(content) : content;
    return this;
  }

  link(path: string, target: string): this {
    this.directory(parentOf(path));
    this.#put(path, "link").content = bytesOf(target);
    return this;
  }

  fifo(path: string, hasReader: boolean): this {
    this.directory(parentOf(path));
    this.#put(path, "fifo").hasReader = hasReader;
    return this;
  }

  /** A cgroup hierarchy: each directory made below gets the files. */
  cgroupMount(mountPoint: string, files: Record<string, string>): this {
    this.directory(mountPoint);
    this.#cgroups.push({ mountPoint, files });
    for (const [name, content] of Object.entries(files))
      this.file(`${mountPoint}/${name}`, content);
    return this;
  }

  /** A process, as /proc/PID/stat tells of it. */
  process(pid: number, process: FakeProcess = {}): this {
    const { startTime = 1000, parent = this.ownPid, state = "S", command = "payload" } = process;
    const fields = [state, parent, ...Array<number>(17).fill(0), startTime, ...Array(30).fill(0)];
    return this.file(`/proc/${pid}/stat`, `${pid} (${command}) ${fields.join(" ")}\n`);
  }

  endProcess(pid: number): void {
    this.#nodes.delete(`/proc/${pid}/stat`);
    this.#nodes.delete(`/proc/${pid}`);
    for (const [path, node] of this.#nodes) {
      if (!path.endsWith("/cgroup.procs")) continue;
      const left = textOf(node.content)
        .split("\n")
        .filter((line) => line !== "" && line !== String(pid));
      node.content = bytesOf(left.map((line) => `${line}\n`).join(""));
    }
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
    const node = this.#nodes.get(path);
    return node === undefined ? undefined : textOf(node.content);
  }

  /** Every path that exists below a directory, sorted. */
  below(path: string): string[] {
    return [...this.#nodes.keys()].filter((name) => name.startsWith(`${path}/`)).sort();
  }

  /** Names of what is open, in the order of opening. */
  openNames(): string[] {
    return [...this.#descriptors.values()].map(({ name }) => name);
  }

  nameOf(fd: number): string {
    return this.#descriptors.get(fd)?.name ?? `${fd}?`;
  }

  /** Everything written to a descriptor that is open. */
  written(fd: number): Uint8Array {
    return this.#open(fd, "look at").node.content;
  }

  /** A descriptor of the caller's that was open from the start. */
  given(fd: number, name: string): this {
    this.#descriptors.set(fd, descriptor(name, this.#node("other")));
    this.#nextFd = Math.max(this.#nextFd, fd + 1);
    return this;
  }

  // The kernel.

  open(path: string, flags: number, mode = 0o644): Fd {
    this.#call("open", path);
    const own = /^\/proc\/self\/fd\/(\d+)$/.exec(path)?.[1];
    const node =
      own === undefined ? this.#openNode(path, flags, mode) : this.#open(Number(own), path).node;
    return this.#add(path, node);
  }

  openAt(directory: Fd, path: string, flags: number, mode = 0o644): Fd {
    return this.open(`${this.nameOf(directory)}/${path}`, flags, mode);
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
    if (open.node.kind === "file") {
      // A file of the kernel's takes a new value, any other keeps what is behind the written part.
      const old = this.#isCgroup(open.name) ? new Uint8Array() : open.node.content;
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
    this.#requireFree(path);
    this.#put(path, "directory").mode = mode & ~this.#mask;
    for (const { mountPoint, files } of this.#cgroups) {
      if (!path.startsWith(`${mountPoint}/`)) continue;
      for (const [name, content] of Object.entries(files)) this.file(`${path}/${name}`, content);
    }
  }

  rmdir(path: string): void {
    this.#call("rmdir", path);
    const node = this.#find(path, `remove \`${path}\``);
    if (node.kind !== "directory") throw failure(`remove \`${path}\``, c.ENOTDIR);
    const below = this.below(path);
    if (this.#isCgroup(path)) {
      const busy = below.some((name) => this.#nodes.get(name)?.kind === "directory");
      if (busy || this.text(`${path}/cgroup.procs`)) throw failure(`remove \`${path}\``, c.EBUSY);
      for (const name of below) this.#nodes.delete(name);
    } else if (below.length > 0) throw failure(`remove \`${path}\``, c.ENOTEMPTY);
    this.#nodes.delete(path);
    node.links = 0;
  }

  unlink(path: string): void {
    this.#call("unlink", path);
    this.#find(path, `remove \`${path}\``).links = 0;
    this.#nodes.delete(path);
  }

  rename(from: string, to: string): void {
    this.#call("rename", from, to);
    const node = this.#find(from, `rename \`${from}\``);
    this.#nodes.delete(from);
    this.#nodes.set(to, node);
  }

  mkfifo(path: string, mode: number): void {
    this.#call("mkfifo", path, mode.toString(8));
    this.#requireFree(path);
    this.#put(path, "fifo").mode = mode;
  }

  chmod(path: string, mode: number): void {
    this.#call("chmod", path, mode.toString(8));
    this.#find(path, `chmod \`${path}\``).mode = mode;
  }

  chown(path: string, uid: number, gid: number): void {
    this.#call("chown", path, `${uid}:${gid}`);
    this.#find(path, `chown \`${path}\``);
  }

  stat(path: string): Stat {
    this.#call("stat", path);
    return statOf(this.#find(path, `stat \`${path}\``));
  }

  lstat(path: string): Stat {
    this.#call("lstat", path);
    return statOf(this.#find(path, `stat \`${path}\``));
  }

  fstat(fd: Fd): Stat {
    this.#call("fstat", this.nameOf(fd));
    return statOf(this.#open(fd, "stat").node);
  }

  readlink(path: string): string {
    this.#call("readlink", path);
    const node = this.#find(path, `readlink \`${path}\``);
    if (node.kind !== "link") throw failure(`readlink \`${path}\``, c.EINVAL);
    return textOf(node.content);
  }

  list(path: string): DirectoryEntry[] {
    this.#call("list", path);
    if (this.#find(path, `list \`${path}\``).kind !== "directory") throw failure(path, c.ENOTDIR);
    return this.below(path)
      .filter((name) => parentOf(name) === path)
      .map((name) => ({
        name: name.slice(path.length + 1),
        isDirectory: this.#nodes.get(name)?.kind === "directory",
      }));
  }

  chdir(path: string): void {
    this.#call("chdir", path);
    this.#find(path, `enter \`${path}\``);
  }

  umask(mask: number): number {
    const before = this.#mask;
    this.#mask = mask;
    return before;
  }

  memfd(name: string): Fd {
    this.#call("memfd", name);
    return this.#add(`memfd:${name}`, this.#node("file"));
  }

  seal(memfd: Fd): void {
    this.#call("seal", this.nameOf(memfd));
  }

  sealedCopy(path: string, name: string): Fd {
    this.#call("sealedCopy", path);
    return this.#add(`memfd:${name}`, this.#find(path, `open \`${path}\``));
  }

  packetPair(): [Fd, Fd] {
    this.#call("packetPair");
    return [
      this.#add("channel", this.#node("socket")),
      this.#add("channel:peer", this.#node("socket")),
    ];
  }

  streamPair(): [Fd, Fd] {
    this.#call("streamPair");
    return [
      this.#add("stream", this.#node("socket")),
      this.#add("stream:peer", this.#node("socket")),
    ];
  }

  connectUnix(path: string): Fd {
    this.#call("connectUnix", path);
    return this.#add(path, this.#node("socket"));
  }

  listenUnix(path: string, backlog: number): Fd {
    this.#call("listenUnix", path, String(backlog));
    this.#requireFree(path);
    return this.#add(path, this.#put(path, "socket"));
  }

  waitReadable(fd: Fd, timeoutMs: number): boolean {
    this.#call("waitReadable", this.nameOf(fd), String(timeoutMs));
    return this.#open(fd, "poll").packets.length > 0;
  }

  setInherited(fd: Fd, inherited: boolean): void {
    this.#call("setInherited", this.nameOf(fd), String(inherited));
    this.#open(fd, "fcntl").inherited = inherited;
  }

  loadDeviceProgram(name: string, instructions: Uint8Array): Fd {
    this.#call("loadDeviceProgram", name);
    const program = this.#node("other");
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

  lock(fd: Fd): void {
    this.#call("lock", this.nameOf(fd));
    this.reactions.lock?.(fd, this);
  }

  spawn(program: Program): Pid {
    this.#call("spawn", ...program.argv);
    this.reactions.spawn?.(program, this);
    return (this.ownPid + 1) as Pid; // of the process that is pretended to run
  }

  execute(program: Program): never {
    this.#call("execute", ...program.argv);
    this.reactions.execute?.(program, this);
    throw new Executed(program);
  }

  resetSignals(): void {
    this.#call("resetSignals");
  }

  kill(pid: Pid, signal: number): void {
    this.#call("kill", String(pid), String(signal));
    if (!this.#nodes.has(`/proc/${pid}`)) throw failure(`signal process ${pid}`, c.ESRCH);
    this.#signal(pid, signal);
  }

  pidfd(pid: Pid): Fd {
    this.#call("pidfd", String(pid));
    if (!this.#nodes.has(`/proc/${pid}`)) throw failure(`open process ${pid}`, c.ESRCH);
    return this.#add(`pidfd:${pid}`, this.#node("other"));
  }

  pidfdSignal(pidfd: Fd, signal: number): void {
    this.#call("pidfdSignal", this.nameOf(pidfd), String(signal));
    const pid = Number(this.nameOf(pidfd).slice("pidfd:".length));
    if (!this.#nodes.has(`/proc/${pid}`)) throw failure("signal the process", c.ESRCH);
    this.#signal(pid, signal);
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

  #isCgroup(path: string): boolean {
    return this.#cgroups.some(({ mountPoint }) => path.startsWith(`${mountPoint}/`));
  }

  #call(...words: string[]): void {
    const line = words.join(" ");
    this.calls.push(line);
    this.fallible++;
    const index = this.#failures.findIndex(({ call }) => line.startsWith(call));
    const [scripted] = index < 0 ? [] : this.#failures.splice(index, 1);
    if (scripted !== undefined) throw failure(line, scripted.errno);
    if (this.#failAt?.call === this.fallible) throw failure(line, this.#failAt.errno);
  }

  #signal(pid: number, signal: number): void {
    this.signals.push(`${pid}:${signal}`);
    if (this.reactions.kill !== undefined) this.reactions.kill(pid, signal, this);
    else if (signal === c.SIGKILL) this.endProcess(pid);
  }

  #openNode(path: string, flags: number, mode: number): Node {
    const doing = `open \`${path}\``;
    const existing = this.#nodes.get(path);
    if (existing === undefined || (flags & c.O_EXCL) !== 0) {
      if ((flags & c.O_CREAT) === 0) this.#find(path, doing);
      this.#requireFree(path);
      const made = this.#put(path, "file");
      made.mode = mode & ~this.#mask;
      return made;
    }
    if (existing.kind !== "directory" && (flags & c.O_DIRECTORY) !== 0)
      throw failure(doing, c.ENOTDIR);
    if (existing.kind === "fifo" && (flags & c.O_WRONLY) !== 0 && !existing.hasReader) {
      throw failure(doing, c.ENXIO);
    }
    if ((flags & c.O_TRUNC) !== 0) existing.content = new Uint8Array();
    return existing;
  }

  #find(path: string, doing: string): Node {
    const node = this.#nodes.get(path);
    if (node !== undefined) return node;
    for (let parent = path; parent !== "/"; ) {
      parent = parentOf(parent);
      const { kind } = this.#nodes.get(parent) ?? {};
      if (kind === "file") throw failure(doing, c.ENOTDIR);
    }
    throw failure(doing, c.ENOENT);
  }

  /** For a new entry: its directory exists, it does not. */
  #requireFree(path: string): void {
    if (this.#nodes.has(path)) throw failure(`make \`${path}\``, c.EEXIST);
    const parent = this.#find(parentOf(path), `make \`${path}\``);
    if (parent.kind !== "directory") throw failure(`make \`${path}\``, c.ENOTDIR);
  }

  #put(path: string, kind: Kind): Node {
    const node = this.#node(kind);
    this.#nodes.set(path, node);
    return node;
  }

  #node(kind: Kind): Node {
    this.#inodes++;
    const [mode, links] = kind === "directory" ? [0o755, 2] : [0o644, 1];
    const content = new Uint8Array();
    return { kind, inode: this.#inodes, content, mode, links, hasReader: false };
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

function descriptor(name: string, node: Node): Descriptor {
  return { name, node, position: 0, inherited: false, packets: [] };
}

function statOf({ kind, inode, links, mode, content }: Node): Stat {
  const size = { sizeBytes: content.length, modified: 0, major: 0, minor: 0 };
  return { device: 1n, inode, links, mode: kindBits[kind] | mode, uid: 0, gid: 0, ...size };
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

function failure(doing: string, errno: number): RuneError {
  return new RuneError({ code: "SYSCALL", doing, reason: errnoText(errno), errno });
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
