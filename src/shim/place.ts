// SPDX-License-Identifier: Apache-2.0
/** Where the shim keeps what it has: one directory for each namespace of each containerd. */
import { EEXIST, ENOENT, ENOTEMPTY } from "../kernel/constants.ts";
import { type Kernel, unlessErrno } from "../kernel/kernel.ts";

/** Short, as a socket's path has 107 bytes: unix(7). */
const base = "/run/inclavare/shim";

export class Place {
  readonly path: string;

  /** @param address of containerd, which tells two of them on one machine apart */
  constructor(address: string, namespace: string) {
    const hash = new Bun.CryptoHasher("sha256").update(`${address}\0${namespace}`).digest("hex");
    this.path = `${base}/${hash.slice(0, 16)}`;
  }

  /** The server's, that containerd connects to. */
  get socket(): string {
    return `${this.path}/server.sock`;
  }

  /** Where monitors tell of ends. */
  get events(): string {
    return `${this.path}/events.sock`;
  }

  /** Held by who starts or ends a server. */
  get lock(): string {
    return `${this.path}/lock`;
  }

  /** Ids that `start` has answered for and that have no task yet: the server waits for them. */
  get starting(): string {
    return `${this.path}/starting`;
  }

  /** What `delete` has to know of each container. */
  get tasks(): string {
    return `${this.path}/tasks`;
  }

  pod(number: number): string {
    return `${this.path}/pod-${number}`;
  }

  make(kernel: Kernel): void {
    const parts = ["/run", "/run/inclavare", base, this.path, this.starting, this.tasks];
    for (const path of parts) unlessErrno(() => kernel.mkdir(path, 0o700), EEXIST);
  }

  /** `start` has been followed by Create. */
  started(kernel: Kernel, id: string): void {
    unlessErrno(() => kernel.unlink(`${this.starting}/${id}`), ENOENT);
  }

  /** Everything, once nobody is in it; what somebody else has put there stays. */
  remove(kernel: Kernel): void {
    for (const path of [this.socket, this.events, this.lock])
      unlessErrno(() => kernel.unlink(path), ENOENT);
    for (const path of [this.starting, this.tasks, this.path])
      unlessErrno(() => kernel.rmdir(path), ENOENT, ENOTEMPTY);
  }
}
