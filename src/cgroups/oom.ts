// SPDX-License-Identifier: Apache-2.0
/** Being told when a cgroup runs out of memory. */
import { ENOENT } from "../kernel/constants.ts";
import {
  type Awaited,
  type Fd,
  type Kernel,
  readToEnd,
  unlessErrno,
  writeFile,
} from "../kernel/kernel.ts";
import type { CgroupDirectory } from "./cgroup.ts";

export interface OomWatch {
  /** What to wait for. */
  readonly awaited: readonly Awaited[];
  /** After a wait: how often memory ran out since the last call; "gone" when the cgroup is. */
  take(): number | "gone";
  close(): void;
}

/** Undefined where the host does not count the container's memory. */
export function watchOom(
  kernel: Kernel,
  directories: readonly CgroupDirectory[],
): OomWatch | undefined {
  const memory = directories.find(({ controllers }) => controllers.includes("memory"));
  if (memory !== undefined) return watchV1(kernel, memory.path);
  const unified = directories.find(({ version }) => version === 2);
  if (unified === undefined) return undefined;
  const path = `${unified.path}/memory.events`;
  return unlessErrno(() => new UnifiedWatch(kernel, path), ENOENT);
}

/** memory.rst of version 1, "OOM Control": an eventfd, which the removal of the cgroup wakes, too. */
function watchV1(kernel: Kernel, path: string): OomWatch {
  const event = kernel.eventFd();
  const control = kernel.open(`${path}/memory.oom_control`, 0 /* O_RDONLY */);
  writeFile(kernel, `${path}/cgroup.event_control`, `${event} ${control}`);
  const awaited = { fd: event, change: false };
  return {
    awaited: [awaited],
    take: () => {
      if (kernel.waitAny([awaited], 0).length === 0) return 0;
      kernel.read(event, 8);
      const exists = unlessErrno(() => kernel.stat(`${path}/cgroup.event_control`), ENOENT);
      return exists === undefined ? "gone" : 1;
    },
    close: () => {
      kernel.close(event);
      kernel.close(control);
    },
  };
}

/** memory.events changes; it is opened anew for each wait, which begins where it was last read. */
class UnifiedWatch implements OomWatch {
  readonly #kernel: Kernel;
  readonly #path: string;
  #fd: Fd;
  #seen: number;

  constructor(kernel: Kernel, path: string) {
    this.#kernel = kernel;
    this.#path = path;
    [this.#fd, this.#seen] = this.#open();
  }

  get awaited(): readonly Awaited[] {
    return [{ fd: this.#fd, change: true }];
  }

  take(): number | "gone" {
    const opened = unlessErrno(() => this.#open(), ENOENT);
    if (opened === undefined) return "gone";
    this.#kernel.close(this.#fd);
    const before = this.#seen;
    [this.#fd, this.#seen] = opened;
    return Math.max(0, this.#seen - before);
  }

  close(): void {
    this.#kernel.close(this.#fd);
  }

  #open(): [Fd, number] {
    const fd = this.#kernel.open(this.#path, 0 /* O_RDONLY */);
    const text = new TextDecoder().decode(readToEnd(this.#kernel, fd, this.#path, 4096));
    return [fd, Number(/^oom_kill ([0-9]+)$/m.exec(text)?.[1] ?? 0)];
  }
}
