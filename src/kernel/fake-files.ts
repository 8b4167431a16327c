// SPDX-License-Identifier: Apache-2.0
/**
 * The files of the fake kernel: directories are empty before they go, a cgroup comes with its files
 * and stays while it has processes or children.
 */
import { RuneError } from "../errors/error.ts";
import * as c from "./constants.ts";
import { errnoText } from "./errno.ts";
import type { DirectoryEntry, Stat } from "./kernel.ts";

export type Kind = "file" | "directory" | "fifo" | "link" | "socket" | "other";

export type Node = {
  readonly kind: Kind;
  readonly inode: bigint;
  content: Uint8Array;
  mode: number;
  links: number;
  /** Somebody holds the fifo open for reading. */
  hasReader: boolean;
};

/** An open file of the fake kernel. */
export type Descriptor = {
  readonly name: string;
  readonly node: Node;
  position: number;
  inherited: boolean;
  /** Packets to read, for one end of a pair. */
  readonly packets: Uint8Array[];
};

const kindBits: Readonly<Record<Kind, number>> = {
  file: c.S_IFREG,
  directory: c.S_IFDIR,
  fifo: c.S_IFIFO,
  link: c.S_IFLNK,
  socket: c.S_IFSOCK,
  other: 0,
};

/** A stand-in for a file system of the kernel's. What it refuses it throws. */
export type PseudoFiles = {
  readonly mountPoint: string;
  /** The files that a new directory comes with, by name; a "/" at the end makes a directory. */
  mkdir(path: string): Readonly<Record<string, string>>;
  /** Before a directory goes, with all that it came with. */
  rmdir(path: string): void;
  /** What a file contains after a write. */
  write(path: string, text: string): string;
  endProcess(pid: number): void;
};

export class FakeFiles {
  readonly #nodes = new Map<string, Node>();
  readonly #pseudo: PseudoFiles[] = [];
  readonly #cgroups: { readonly mountPoint: string; readonly files: Record<string, string> }[] = [];
  #inodes = 0n;

  constructor() {
    this.put("/", "directory");
  }

  /** A node that has no name. */
  node(kind: Kind): Node {
    this.#inodes++;
    const [mode, links] = kind === "directory" ? [0o755, 2] : [0o644, 1];
    const content = new Uint8Array();
    return { kind, inode: this.#inodes, content, mode, links, hasReader: false };
  }

  put(path: string, kind: Kind, content: string | Uint8Array = ""): Node {
    const node = this.node(kind);
    node.content = typeof content === "string" ? bytesOf(content) : content;
    this.#nodes.set(path, node);
    return node;
  }

  /** Makes a directory and those above it, where they are missing. */
  directory(path: string): void {
    if (this.#nodes.has(path)) return;
    this.directory(parentOf(path));
    this.put(path, "directory");
  }

  cgroupMount(mountPoint: string, files: Record<string, string>): void {
    this.directory(mountPoint);
    this.#cgroups.push({ mountPoint, files });
    for (const [name, content] of Object.entries(files)) {
      this.put(`${mountPoint}/${name}`, "file", content);
    }
  }

  pseudoMount(files: PseudoFiles): void {
    this.directory(files.mountPoint);
    this.#pseudo.push(files);
  }

  /** What answers for a path, where it is not plain files. */
  pseudo(path: string): PseudoFiles | undefined {
    return this.#pseudo.find(({ mountPoint }) => path.startsWith(`${mountPoint}/`));
  }

  isCgroup(path: string): boolean {
    return this.#cgroups.some(({ mountPoint }) => path.startsWith(`${mountPoint}/`));
  }

  /** The process is in no cgroup any more. */
  leaveCgroups(pid: number): void {
    for (const pseudo of this.#pseudo) pseudo.endProcess(pid);
    for (const [path, node] of this.#nodes) {
      if (!path.endsWith("/cgroup.procs")) continue;
      const left = textOf(node.content)
        .split("\n")
        .filter((line) => line !== "" && line !== String(pid));
      node.content = bytesOf(left.map((line) => `${line}\n`).join(""));
    }
  }

  get(path: string): Node | undefined {
    return this.#nodes.get(path);
  }

  text(path: string): string | undefined {
    const node = this.#nodes.get(path);
    return node === undefined ? undefined : textOf(node.content);
  }

  forget(path: string): void {
    this.#nodes.delete(path);
  }

  below(path: string): string[] {
    return [...this.#nodes.keys()].filter((name) => name.startsWith(`${path}/`)).sort();
  }

  /** The node at a path, or the error that stands for why there is none. */
  find(path: string, doing: string): Node {
    const node = this.#nodes.get(path);
    if (node !== undefined) return node;
    for (let parent = path; parent !== "/"; ) {
      parent = parentOf(parent);
      if (this.#nodes.get(parent)?.kind === "file") throw failure(doing, c.ENOTDIR);
    }
    throw failure(doing, c.ENOENT);
  }

  /** A new entry: its directory must exist, it must not. */
  make(path: string, kind: Kind, mode: number): Node {
    const doing = `make \`${path}\``;
    if (this.#nodes.has(path)) throw failure(doing, c.EEXIST);
    if (this.find(parentOf(path), doing).kind !== "directory") throw failure(doing, c.ENOTDIR);
    const node = this.put(path, kind);
    node.mode = mode;
    return node;
  }

  mkdir(path: string, mode: number): void {
    const files = this.#nodes.has(path) ? undefined : this.pseudo(path)?.mkdir(path);
    this.make(path, "directory", mode);
    for (const [name, content] of Object.entries(files ?? {})) {
      if (name.endsWith("/")) this.directory(`${path}/${name.slice(0, -1)}`);
      else {
        this.directory(parentOf(`${path}/${name}`));
        this.put(`${path}/${name}`, "file", content);
      }
    }
    for (const { mountPoint, files } of this.#cgroups) {
      if (!path.startsWith(`${mountPoint}/`)) continue;
      for (const [name, content] of Object.entries(files)) {
        this.put(`${path}/${name}`, "file", content);
      }
    }
  }

  rmdir(path: string): void {
    const doing = `remove \`${path}\``;
    const node = this.find(path, doing);
    if (node.kind !== "directory") throw failure(doing, c.ENOTDIR);
    const below = this.below(path);
    const pseudo = this.pseudo(path);
    if (pseudo !== undefined) {
      pseudo.rmdir(path);
      for (const name of below) this.#nodes.delete(name);
    } else if (this.isCgroup(path)) {
      const parent = below.some((name) => this.#nodes.get(name)?.kind === "directory");
      if (parent || this.text(`${path}/cgroup.procs`)) throw failure(doing, c.EBUSY);
      for (const name of below) this.#nodes.delete(name);
    } else if (below.length > 0) throw failure(doing, c.ENOTEMPTY);
    this.#nodes.delete(path);
    node.links = 0;
  }

  unlink(path: string): void {
    this.find(path, `remove \`${path}\``).links = 0;
    this.#nodes.delete(path);
  }

  rename(from: string, to: string): void {
    const node = this.find(from, `rename \`${from}\``);
    this.#nodes.delete(from);
    this.#nodes.set(to, node);
  }

  open(path: string, flags: number, mode: number): Node {
    const doing = `open \`${path}\``;
    const node = this.#nodes.get(path);
    if (node === undefined || (flags & c.O_EXCL) !== 0) {
      return (flags & c.O_CREAT) === 0 ? this.find(path, doing) : this.make(path, "file", mode);
    }
    if (node.kind !== "directory" && (flags & c.O_DIRECTORY) !== 0) throw failure(doing, c.ENOTDIR);
    if (node.kind === "fifo" && (flags & c.O_WRONLY) !== 0 && !node.hasReader) {
      throw failure(doing, c.ENXIO);
    }
    if ((flags & c.O_TRUNC) !== 0) node.content = new Uint8Array();
    return node;
  }

  list(path: string): DirectoryEntry[] {
    const doing = `list \`${path}\``;
    if (this.find(path, doing).kind !== "directory") throw failure(doing, c.ENOTDIR);
    return this.below(path)
      .filter((name) => parentOf(name) === path)
      .map((name) => ({
        name: name.slice(path.length + 1),
        isDirectory: this.#nodes.get(name)?.kind === "directory",
      }));
  }
}

export function descriptor(name: string, node: Node): Descriptor {
  return { name, node, position: 0, inherited: false, packets: [] };
}

export function statOf({ kind, inode, links, mode, content }: Node): Stat {
  const size = { sizeBytes: content.length, modified: 0, major: 0, minor: 0 };
  return { device: 1n, inode, links, mode: kindBits[kind] | mode, uid: 0, gid: 0, ...size };
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

export function failure(doing: string, errno: number): RuneError {
  return new RuneError({ code: "SYSCALL", doing, reason: errnoText(errno), errno });
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
