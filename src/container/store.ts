// SPDX-License-Identifier: Apache-2.0
/** The directory of a container, `<root>/<id>/`: its lock and its files. */
import { RuneError } from "../errors/error.ts";
import {
  EEXIST,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  O_CREAT,
  O_DIRECTORY,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
} from "../kernel/constants.ts";
import { type Fd, type Kernel, readFile, unlessErrno } from "../kernel/kernel.ts";
import { encodeState, parseState, type State } from "./state.ts";

const stateMaxBytes = 64 << 20;

/** A container's directory, held under its lock until {@link ContainerDirectory.release}. */
export class ContainerDirectory {
  readonly id: string;
  readonly path: string;
  readonly #kernel: Kernel;
  #fd: Fd | undefined;

  private constructor(kernel: Kernel, id: string, path: string, fd: Fd) {
    this.#kernel = kernel;
    this.id = id;
    this.path = path;
    this.#fd = fd;
  }

  /** Makes the directory of a new container and takes its lock. */
  static create(kernel: Kernel, root: string, id: string, sticky = false): ContainerDirectory {
    const path = `${root}/${id}`;
    // XDG base directory specification: the sticky bit keeps it from being cleaned away.
    if (sticky) unlessErrno(() => kernel.mkdir(root, 0o1700), EEXIST, ENOENT);
    makeRoot(kernel, root);
    const made = unlessErrno(() => {
      kernel.mkdir(path, 0o711);
      return true;
    }, EEXIST);
    if (made !== true) throw exists(id);
    try {
      const directory = lockDirectory(kernel, root, id);
      if (directory === undefined) throw exists(id);
      return directory;
    } catch (error) {
      // Not where another command has made it its own meanwhile: then it is not empty, or gone.
      unlessErrno(() => kernel.rmdir(path), ENOENT, ENOTEMPTY);
      throw error;
    }
  }

  /** The directory of an existing container, once its lock is free. */
  static open(kernel: Kernel, root: string, id: string): ContainerDirectory {
    const directory = lockDirectory(kernel, root, id);
    if (directory === undefined) throw notFound(id);
    return directory;
  }

  /** @internal */
  static adopt(kernel: Kernel, id: string, path: string, fd: Fd): ContainerDirectory {
    return new ContainerDirectory(kernel, id, path, fd);
  }

  get fifo(): string {
    return `${this.path}/exec.fifo`;
  }

  /** A directory on which criu's mounts are made, in a mount namespace of its own, during a restore. */
  makeStage(name: string): string {
    this.#kernel.mkdir(this.#stage, 0o711);
    this.#kernel.mkdir(`${this.#stage}/${name}`, 0o711);
    return this.#stage;
  }

  removeStage(): void {
    const entries = unlessErrno(() => this.#kernel.list(this.#stage), ENOENT);
    if (entries === undefined) return;
    for (const { name } of entries) this.#kernel.rmdir(`${this.#stage}/${name}`);
    this.#kernel.rmdir(this.#stage);
  }

  get #stage(): string {
    return `${this.path}/stage`;
  }

  /** A short name for a socket in the directory: sun_path holds 108 bytes (unix(7)). */
  socketPath(name: string): string {
    return `/proc/self/fd/${this.#fd}/${name}`;
  }

  /** Undefined where the container's maker died before it wrote one. */
  readState(): State | undefined {
    return readStateFile(this.#kernel, this.path);
  }

  /** Replaces the state in one step: readers see the old or the new one, never a part. */
  writeState(state: State): void {
    const temporary = `${this.path}/state.json.new`;
    const fd = this.#kernel.open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0o600);
    try {
      this.#kernel.write(fd, encodeState(state));
    } finally {
      this.#kernel.close(fd);
    }
    this.#kernel.rename(temporary, `${this.path}/state.json`);
  }

  /** Keeps what `exec` needs, as it was when the container was created; see kept.ts. */
  keep(name: "process.json" | "seccomp.bpf", bytes: Uint8Array): void {
    const fd = this.#kernel.open(`${this.path}/${name}`, O_WRONLY | O_CREAT | O_TRUNC, 0o600);
    try {
      this.#kernel.write(fd, bytes);
    } finally {
      this.#kernel.close(fd);
    }
  }

  /** Files and directories to remove, in order, when the container goes. */
  contents(): { readonly files: string[]; readonly directories: string[] } {
    const names = [
      "exec.fifo",
      "agent.sock",
      "notify/notify.sock",
      "process.json",
      "seccomp.bpf",
      "state.json.new",
      "state.json",
    ];
    return {
      files: names.map((name) => `${this.path}/${name}`),
      directories: [`${this.path}/notify`, this.path],
    };
  }

  /** Removes the directory, the state last: until then `delete` can be repeated. */
  remove(): void {
    const notify = `${this.path}/notify`;
    unlessErrno(() => this.#kernel.unlink(`${notify}/notify.sock`), ENOENT);
    unlessErrno(() => this.#kernel.rmdir(notify), ENOENT);
    this.removeStage();
    for (const path of this.contents().files) {
      unlessErrno(() => this.#kernel.unlink(path), ENOENT);
    }
    unlessErrno(() => this.#kernel.rmdir(this.path), ENOENT);
  }

  /** Without the lock, for whoever takes it later. Called while it is held, so that it is the same directory. */
  openAgain(): Fd {
    return this.#kernel.open(this.path, O_RDONLY | O_DIRECTORY);
  }

  release(): void {
    if (this.#fd !== undefined) this.#kernel.close(this.#fd);
    this.#fd = undefined;
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** Reads a state without the lock, for `state` and `list`: the file is replaced atomically. */
export function peekState(kernel: Kernel, root: string, id: string): State {
  const path = `${root}/${id}`;
  const state = readStateFile(kernel, path);
  if (state !== undefined) return state;
  if (unlessErrno(() => kernel.stat(path), ENOENT, ENOTDIR) === undefined) throw notFound(id);
  throw new RuneError({
    code: "CONTAINER_STATE",
    doing: `read container \`${id}\``,
    reason: "it was never finished: its maker died or is still at work",
    hint: `\`rune delete --force ${id}\` removes it`,
  });
}

/** The ids under a root; none when there is no such directory. */
export function containerIds(kernel: Kernel, root: string): string[] {
  const entries = unlessErrno(() => kernel.list(root), ENOENT) ?? [];
  return entries
    .filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => name)
    .sort();
}

/** Waits for the lock; undefined when there is no such directory, or it is gone once we have it. */
function lockDirectory(kernel: Kernel, root: string, id: string): ContainerDirectory | undefined {
  const path = `${root}/${id}`;
  const fd = unlessErrno(() => kernel.open(path, O_RDONLY | O_DIRECTORY), ENOENT, ENOTDIR);
  if (fd === undefined) return undefined;
  try {
    kernel.lock(fd);
    if (kernel.fstat(fd).links > 0) return ContainerDirectory.adopt(kernel, id, path, fd);
  } catch (error) {
    kernel.close(fd);
    throw error;
  }
  kernel.close(fd);
  return undefined;
}

function readStateFile(kernel: Kernel, path: string): State | undefined {
  const file = `${path}/state.json`;
  const bytes = unlessErrno(() => readFile(kernel, file, stateMaxBytes), ENOENT, ENOTDIR);
  return bytes === undefined ? undefined : parseState(bytes, file);
}

/** The root and its parents, 0711: container users may pass, not look. */
function makeRoot(kernel: Kernel, root: string): void {
  const made = unlessErrno(() => {
    unlessErrno(() => kernel.mkdir(root, 0o711), EEXIST);
    return true;
  }, ENOENT);
  if (made === true) return;
  makeRoot(kernel, root.slice(0, root.lastIndexOf("/")) || "/");
  unlessErrno(() => kernel.mkdir(root, 0o711), EEXIST); // another command may be doing the same
}

function exists(id: string): RuneError {
  const reason = "a container with that id exists";
  const hint = `choose another id, or see \`rune state ${id}\`: \`rune delete ${id}\` removes it where it has stopped, \`rune delete --force ${id}\` also where it runs`;
  return new RuneError({ code: "CONTAINER_EXISTS", doing: `create \`${id}\``, reason, hint });
}

function notFound(id: string): RuneError {
  return new RuneError({
    code: "CONTAINER_NOT_FOUND",
    doing: `open container \`${id}\``,
    reason: "container does not exist",
    hint: "`rune list` shows those of the same --root; engines have a root of their own",
  });
}
