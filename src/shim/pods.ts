// SPDX-License-Identifier: Apache-2.0
/** The monitors of this namespace's pods, and what they tell. */

import { createCgroup, locateCgroup } from "../cgroups/cgroup.ts";
import { readHierarchies } from "../cgroups/layout.ts";
import { RuneError } from "../errors/error.ts";
import { EEXIST, ENOENT, SIGKILL } from "../kernel/constants.ts";
import { type Fd, type Kernel, type Pid, unlessErrno, writeFile } from "../kernel/kernel.ts";
import type { PlannerCalls } from "../kernel/planner-calls.ts";
import { RecordReader, RecordWriter, recordHeaderBytes } from "../record/record.ts";
import { MonitorLink } from "./monitor-link.ts";
import type { Place } from "./place.ts";

export type Ended = {
  /** As waitpid(2) has it. */
  readonly status: number;
  /** Nanoseconds since the epoch. */
  readonly at: bigint;
};

export type Listener = {
  readonly onExit: (token: bigint, ended: Ended) => void;
  readonly onOom: (token: bigint, count: number) => void;
  /** A monitor has died with all it held. */
  readonly onLost: (pod: Pod) => void;
};

export type Pod = {
  readonly group: string;
  readonly number: number;
  readonly directory: string;
  readonly link: MonitorLink;
  /** Containers that are in it; the monitor ends with the last one. */
  members: number;
};

type Peer = { pending: Uint8Array<ArrayBuffer>; pod: number | undefined };

const hello = 30;
const eventExit = 20;
const eventOom = 21;
/** Nothing that a monitor says is longer. */
const maxRecordBytes = 64;

export class Pods {
  readonly #kernel: Kernel;
  readonly #calls: PlannerCalls;
  readonly #place: Place;
  readonly #program: string;
  readonly #listener: Listener;
  readonly #pods = new Map<string, Pod>();
  readonly #sockets: Bun.UnixSocketListener<Peer>;
  #count = 0;

  constructor(
    { kernel, calls, libDir }: { kernel: Kernel; calls: PlannerCalls; libDir: string },
    place: Place,
    listener: Listener,
  ) {
    this.#kernel = kernel;
    this.#calls = calls;
    this.#place = place;
    this.#program = `${libDir}/shim-monitor`;
    this.#listener = listener;
    this.#sockets = Bun.listen<Peer>({
      unix: place.events,
      data: { pending: new Uint8Array(), pod: undefined },
      socket: {
        open: (socket) => {
          socket.data = { pending: new Uint8Array(), pod: undefined };
        },
        data: (socket, chunk) => this.#hear(socket, chunk),
        close: (socket) => this.#lose(socket.data.pod),
        error: (socket) => socket.terminate(),
      },
    });
  }

  /** The pod of a group, with its monitor started where it is new; one more container is in it. */
  enter(group: string, cgroup: string): Pod {
    const known = this.#pods.get(group);
    const pod = known ?? this.#start(group, cgroup);
    pod.members++;
    return pod;
  }

  leave(pod: Pod): void {
    pod.members--;
    if (pod.members > 0) return;
    // Where its monitor had died, the group may have another by now.
    if (this.#pods.get(pod.group) === pod) this.#pods.delete(pod.group);
    try {
      pod.link.shutdown();
    } catch {
      // It has died before: then there is nothing to end.
    }
    removePod(this.#kernel, pod.directory);
  }

  close(): void {
    this.#sockets.stop(true);
  }

  #start(group: string, cgroup: string): Pod {
    const kernel = this.#kernel;
    const { number, directory } = this.#makeDirectory();
    const opened: Fd[] = [];
    try {
      const listener = this.#calls.listenPackets(`${directory}/control`);
      opened.push(listener);
      const events = kernel.connectUnix(this.#place.events);
      opened.push(events);
      kernel.write(events, new RecordWriter().begin(hello).u64(number).end().finish());
      const pid = startMonitor(this.#program, directory, [listener, events]);
      const link = this.#linkTo(pid, directory, cgroup);
      const pod = { group, number, directory, link, members: 0 };
      this.#pods.set(group, pod);
      return pod;
    } catch (error) {
      removePod(kernel, directory);
      throw RuneError.from(error, "start a monitor").within(`make pod \`${group}\``);
    } finally {
      for (const fd of opened) kernel.close(fd);
    }
  }

  #linkTo(pid: Pid, directory: string, cgroup: string): MonitorLink {
    try {
      if (cgroup !== "") joinCgroup(this.#kernel, cgroup, pid);
      return new MonitorLink(this.#kernel, this.#calls, directory, pid);
    } catch (error) {
      this.#kernel.kill(pid, SIGKILL);
      throw error;
    }
  }

  /** A server that was killed may have left some, whose monitors may still be at work. */
  #makeDirectory(): { readonly number: number; readonly directory: string } {
    for (;;) {
      const number = ++this.#count;
      const directory = this.#place.pod(number);
      const made = unlessErrno(() => {
        this.#kernel.mkdir(directory, 0o700);
        return true;
      }, EEXIST);
      if (made === true) return { number, directory };
    }
  }

  #hear(socket: Bun.Socket<Peer>, chunk: Uint8Array): void {
    const bytes = new Uint8Array(socket.data.pending.length + chunk.length);
    bytes.set(socket.data.pending);
    bytes.set(chunk, socket.data.pending.length);
    let at = 0;
    for (;;) {
      const record = nextRecord(bytes.subarray(at));
      if (record === undefined) break;
      at += record.length;
      this.#act(socket.data, RecordReader.packet(record));
    }
    socket.data.pending = bytes.slice(at);
  }

  #act(peer: Peer, record: RecordReader): void {
    if (record.code === hello) {
      peer.pod = Number(record.u64());
    } else if (record.code === eventExit) {
      const token = record.u64();
      record.u32(); // the pid, for people who look on
      this.#listener.onExit(token, { status: record.u32(), at: record.u64() });
    } else if (record.code === eventOom) {
      this.#listener.onOom(record.u64(), record.u32());
    }
  }

  #lose(number: number | undefined): void {
    const pod = [...this.#pods.values()].find((one) => one.number === number);
    if (pod === undefined) return;
    this.#pods.delete(pod.group);
    this.#listener.onLost(pod);
  }
}

/** Undefined where it has not come whole yet. */
function nextRecord(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < recordHeaderBytes) return undefined;
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  const whole = recordHeaderBytes + ((size + 7) & ~7);
  if (whole > maxRecordBytes) {
    const reason = "a monitor broke its protocol";
    throw new RuneError({ code: "RUNELET", doing: "listen to a pod", reason });
  }
  return bytes.length < whole ? undefined : bytes.subarray(0, whole);
}

/** Bun.spawn and not the kernel's: this is the one child that Bun may wait for. */
function startMonitor(
  program: string,
  directory: string,
  [listener, events]: readonly [Fd, Fd],
): Pid {
  const child = Bun.spawn([program, directory], {
    stdio: ["ignore", "ignore", "ignore", listener, events], // 3 and 4, as it expects them
    argv0: "shim-monitor",
    env: {},
    onExit: () => {},
  });
  child.unref();
  return child.pid as Pid;
}

/** As runc's shim does. It is made where it is not there, and stays. */
function joinCgroup(kernel: Kernel, cgroup: string, pid: Pid): void {
  const path = `/${cgroup}`.replace(/^\/+/, "/");
  const located = locateCgroup(readHierarchies(kernel), path, "");
  const demand = { limited: false, named: true, optional: () => false };
  for (const directory of createCgroup(kernel, located, demand)) {
    writeFile(kernel, `${directory.path}/cgroup.procs`, String(pid));
  }
}

/** What a monitor leaves. */
export function removePod(kernel: Kernel, directory: string): void {
  for (const name of ["control", "exits"])
    unlessErrno(() => kernel.unlink(`${directory}/${name}`), ENOENT);
  unlessErrno(() => kernel.rmdir(directory), ENOENT);
}
