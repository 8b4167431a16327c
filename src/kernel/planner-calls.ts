// SPDX-License-Identifier: Apache-2.0
/**
 * System calls of the planner alone (docs/protocol/planner.md): packets with descriptors and
 * credentials, and becoming like the peer for the length of a request.
 */
import * as c from "./constants.ts";
import type { Fd, Pid } from "./kernel.ts";
import { addressIn, call, failure, place, placed, raw } from "./libc.ts";
import { unixSocket } from "./linux-sockets.ts";

export type Packet = {
  /** Empty at the end of the connection. Valid until the next {@link PlannerCalls.receive}. */
  readonly bytes: Uint8Array;
  readonly descriptors: readonly Fd[];
  /** Of the sender, when it sent; where {@link PlannerCalls.passCredentials} asked for it. */
  readonly pid?: Pid;
};

export interface PlannerCalls {
  /** A listening SOCK_SEQPACKET socket whose accept does not wait. */
  listenPackets(path: string): Fd;
  connectPackets(path: string): Fd;
  /** Makes a socket's accept not wait. */
  withoutWaiting(listener: Fd): void;
  /** Undefined where nobody waits to be accepted any more. */
  accept(listener: Fd): Fd | undefined;
  passCredentials(socket: Fd): void;
  /** Of whoever connected: SO_PEERCRED. */
  peerPid(socket: Fd): Pid;
  /** Waits for one packet; a longer one, or one with more descriptors, is an error. */
  receive(socket: Fd): Packet;
  send(socket: Fd, bytes: Uint8Array, descriptors: readonly Fd[]): void;
  /** Overwrites what was received: it may hold secrets. */
  wipe(): void;
  /** Makes `number` a duplicate, closing what it was; it does not survive execve. */
  duplicate(fd: Fd, number: number): void;
  /** A duplicate with the lowest number that is free from `least` on. */
  duplicateFrom(fd: Fd, least: number): Fd;
  /** Waits until one can be written to, or the other can be read or is at its end. */
  waitWritable(fd: Fd, end: Fd): void;
  /** Makes an open directory the current one. */
  enter(directory: Fd): void;
  /** Takes the lock of {@link Kernel.lock} unless somebody has it. */
  tryLock(fd: Fd): boolean;
  /** RLIMIT_NOFILE of a process, as it counts. */
  descriptorLimit(pid: Pid): number;
  ignoreSignal(signal: number): void;
}

export const packetMaxBytes = 64 << 10;
export const packetMaxDescriptors = 96;

/** Too large for the collector to move: the kernel is given its address. */
const inbox = new Uint8Array(packetMaxBytes + 4096);
/** struct msghdr@0, struct iovec@56, control@72, each of x86-64 as in linux-sockets.ts. */
const controlAt = 72;
const controlBytes = 1024;
const envelope = new Uint8Array(4096);
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const MSG_TRUNC = 0x20;
const MSG_CTRUNC = 8;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const SCM_CREDENTIALS = 2;

export const plannerCalls: PlannerCalls = {
  listenPackets: (path) =>
    unixSocket(
      path,
      (fd, address, size) => {
        call(() => `bind \`${path}\``, c.sys.bind, fd, address, size);
        call(() => `listen on \`${path}\``, c.sys.listen, fd, 64);
      },
      5 /* SOCK_SEQPACKET */,
    ),
  connectPackets: (path) =>
    unixSocket(
      path,
      (fd, address, size) => {
        call(() => `connect to \`${path}\``, c.sys.connect, fd, address, size);
      },
      5 /* SOCK_SEQPACKET */,
    ),
  withoutWaiting: (listener) => {
    call(() => "fcntl", c.sys.fcntl, listener, 4 /* F_SETFL */, c.O_NONBLOCK);
  },
  accept: (listener) => {
    const fd = raw(c.sys.accept4, listener, 0, 0, c.O_CLOEXEC);
    return fd < 0 ? undefined : (fd as Fd); // its next try comes with the next wait
  },
  passCredentials: (socket) => {
    const one = place(4);
    placed(one, 4).setInt32(0, 1, true);
    call(() => "setsockopt", c.sys.setsockopt, socket, SOL_SOCKET, 16 /* SO_PASSCRED */, one, 4);
  },
  peerPid: (socket) => {
    // struct ucred: pid i32@0, uid u32@4, gid u32@8
    const [credentials, size] = [place(12), place(4)];
    placed(size, 4).setInt32(0, 12, true);
    const SO_PEERCRED = 17;
    call(() => "getsockopt", c.sys.getsockopt, socket, SOL_SOCKET, SO_PEERCRED, credentials, size);
    return placed(credentials, 4).getInt32(0, true) as Pid;
  },
  receive,
  send,
  wipe: () => {
    inbox.fill(0);
  },
  duplicate: (fd, number) => {
    call(() => `duplicate descriptor ${fd}`, c.sys.dup3, fd, number, c.O_CLOEXEC);
  },
  duplicateFrom: (fd, least) => {
    const F_DUPFD_CLOEXEC = 1030;
    const doing = () => `duplicate descriptor ${fd}`;
    return call(doing, c.sys.fcntl, fd, F_DUPFD_CLOEXEC, least) as Fd;
  },
  waitWritable: (fd, end) => {
    let result: number;
    do {
      const pair = place(16); // struct pollfd: fd i32@0, events u16@4
      const view = placed(pair, 16);
      view.setInt32(0, fd, true);
      view.setUint16(4, 4 /* POLLOUT */, true);
      view.setInt32(8, end, true);
      view.setUint16(12, c.POLLIN, true);
      result = raw(c.sys.poll, pair, 2, -1);
    } while (result === -c.EINTR);
  },
  enter: (directory) => {
    call(() => "enter the caller's directory", c.sys.fchdir, directory);
  },
  tryLock: (fd) => {
    const LOCK_EX_NB = 2 | 4;
    const result = raw(c.sys.flock, fd, LOCK_EX_NB);
    if (result < 0 && result !== -c.EAGAIN && result !== -c.EINTR) throw failure("flock", -result);
    return result === 0;
  },
  descriptorLimit: (pid) => {
    const limits = place(16); // struct rlimit64: current u64@0, maximum u64@8
    const RLIMIT_NOFILE = 7;
    call(() => `ask for the limits of ${pid}`, c.sys.prlimit64, pid, RLIMIT_NOFILE, 0, limits);
    return Number(placed(limits, 8).getBigUint64(0, true));
  },
  ignoreSignal: (signal) => {
    // struct kernel_sigaction of x86-64: handler u64@0, flags, restorer, mask
    const action = place(32);
    placed(action, 8).setBigUint64(0, 1n /* SIG_IGN */, true);
    call(() => `ignore signal ${signal}`, c.sys.rt_sigaction, signal, action, 0, 8);
  },
};

/** The address of struct msghdr over one stretch of bytes and a control buffer. */
function layEnvelope(at: number, size: number, control: number): DataView {
  const view = new DataView(envelope.buffer);
  envelope.fill(0, 0, controlAt + controlBytes);
  const base = BigInt(addressIn(envelope));
  view.setBigUint64(16, base + 56n, true);
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(32, control === 0 ? 0n : base + BigInt(controlAt), true);
  view.setBigUint64(40, BigInt(control), true);
  view.setBigUint64(56, BigInt(at), true);
  view.setBigUint64(64, BigInt(size), true);
  return view;
}

function receive(socket: Fd): Packet {
  const view = layEnvelope(addressIn(inbox), packetMaxBytes, controlBytes);
  let count: number;
  do {
    count = raw(c.sys.recvmsg, socket, addressIn(envelope), MSG_CMSG_CLOEXEC);
  } while (count === -c.EINTR);
  if (count === -c.ECONNRESET) count = 0;
  if (count < 0) throw failure("receive a packet", -count);
  const descriptors: Fd[] = [];
  let pid: Pid | undefined;
  // struct cmsghdr: length u64@0 with itself, level i32@8, type i32@12, data@16; each padded to 8.
  const end = controlAt + Number(view.getBigUint64(40, true));
  for (let at = controlAt; at + 16 <= end; ) {
    const length = Number(view.getBigUint64(at, true));
    if (length < 16) break;
    const type = view.getInt32(at + 8, true) === SOL_SOCKET ? view.getInt32(at + 12, true) : 0;
    if (type === SCM_CREDENTIALS) pid = view.getInt32(at + 16, true) as Pid;
    for (let fd = at + 16; type === SCM_RIGHTS && fd + 4 <= at + length; fd += 4) {
      descriptors.push(view.getInt32(fd, true) as Fd);
    }
    at += (length + 7) & ~7;
  }
  if ((view.getInt32(48, true) & (MSG_TRUNC | MSG_CTRUNC)) !== 0) {
    for (const fd of descriptors) raw(c.sys.close, fd);
    throw failure("receive a packet", 90 /* EMSGSIZE */);
  }
  return { bytes: inbox.subarray(0, count), descriptors, ...(pid === undefined ? {} : { pid }) };
}

function send(socket: Fd, bytes: Uint8Array, descriptors: readonly Fd[]): void {
  if (bytes.length > packetMaxBytes || descriptors.length > packetMaxDescriptors) {
    throw failure("send a packet", 90 /* EMSGSIZE */);
  }
  // Copied to where the collector does not move it.
  const outbox = new Uint8Array(Math.max(bytes.length, 4096));
  outbox.set(bytes);
  const length = 16 + 4 * descriptors.length;
  const control = descriptors.length === 0 ? 0 : (length + 7) & ~7;
  const view = layEnvelope(addressIn(outbox), bytes.length, control);
  if (control > 0) {
    view.setBigUint64(controlAt, BigInt(length), true);
    view.setInt32(controlAt + 8, SOL_SOCKET, true);
    view.setInt32(controlAt + 12, SCM_RIGHTS, true);
    for (const [index, fd] of descriptors.entries()) {
      view.setInt32(controlAt + 16 + 4 * index, fd, true);
    }
  }
  for (;;) {
    const sent = raw(c.sys.sendmsg, socket, addressIn(envelope), MSG_NOSIGNAL);
    if (sent === -c.EINTR) continue;
    if (sent < 0) throw failure("send a packet", -sent);
    return;
  }
}
