// SPDX-License-Identifier: Apache-2.0
/** Sockets of the real kernel. */
import * as c from "./constants.ts";
import type { Fd, Received } from "./kernel.ts";
import { addressIn, call, encoder, failure, place, placed, raw, text } from "./libc.ts";

export function socketPair(type: number): [Fd, Fd] {
  const address = place(8);
  call(() => "socketpair", c.sys.socketpair, 1 /* AF_UNIX */, type | c.O_CLOEXEC, 0, address);
  const view = placed(address, 8);
  return [view.getInt32(0, true) as Fd, view.getInt32(4, true) as Fd];
}

/**
 * struct sockaddr_un: family u16@0, path@2, at most 108 bytes with its NUL. A name that begins with NUL
 * is abstract, and its length is the address's (unix(7)).
 */
export function unixSocket(
  path: string,
  use: (fd: Fd, address: number, size: number) => void,
  type = 1 /* SOCK_STREAM */,
): Fd {
  const name = encoder.encode(path);
  const abstract = name[0] === 0;
  if (name.length > 107 || name.subarray(1).includes(0))
    throw failure(`use socket \`${path}\``, c.ENAMETOOLONG);
  const fd = call(() => "socket", c.sys.socket, 1, type | c.O_CLOEXEC, 0) as Fd;
  try {
    // `use` may make several calls: the address lives outside scratch.
    const address = new Uint8Array(4096);
    address[0] = 1;
    address.set(name, 2);
    use(fd, addressIn(address), name.length + (abstract ? 2 : 3));
    return fd;
  } catch (error) {
    raw(c.sys.close, fd);
    throw error;
  }
}

/**
 * struct msghdr of x86-64: iov u64@16, iovlen u64@24, control u64@32, controllen u64@40, 56 bytes; struct
 * iovec: base u64@0, length u64@8; struct cmsghdr: length u64@0, level i32@8, type i32@12, data@16.
 */
export function sendDescriptor(socket: Fd, bytes: Uint8Array, fd: Fd): number {
  const [headerAt, vectorAt, controlAt] = [0, 56, 72];
  const message = new Uint8Array(4096 + bytes.length); // too large for the collector to move
  message.set(bytes, 4096);
  const at = BigInt(addressIn(message));
  const view = new DataView(message.buffer);
  view.setBigUint64(headerAt + 16, at + BigInt(vectorAt), true);
  view.setBigUint64(headerAt + 24, 1n, true);
  view.setBigUint64(headerAt + 32, at + BigInt(controlAt), true);
  view.setBigUint64(headerAt + 40, 24n, true);
  view.setBigUint64(vectorAt, at + 4096n, true);
  view.setBigUint64(vectorAt + 8, BigInt(bytes.length), true);
  view.setBigUint64(controlAt, 20n, true);
  view.setInt32(controlAt + 8, 1 /* SOL_SOCKET */, true);
  view.setInt32(controlAt + 12, 1 /* SCM_RIGHTS */, true);
  view.setInt32(controlAt + 16, fd, true);
  const MSG_NOSIGNAL = 0x4000;
  const doing = () => "send a descriptor";
  return call(doing, c.sys.sendmsg, socket, addressIn(message), MSG_NOSIGNAL);
}

/** Messages of ours carry one descriptor: four leave room for a peer that sends more, which are closed. */
const descriptorsMax = 4;

/** The layout of {@link sendDescriptor}; flags of what was received: i32@48. */
export function receiveDescriptors(socket: Fd, maxBytes: number): Received {
  const [vectorAt, controlAt, bytesAt] = [56, 72, 4096];
  const message = new Uint8Array(bytesAt + maxBytes);
  const at = BigInt(addressIn(message));
  const view = new DataView(message.buffer);
  view.setBigUint64(16, at + BigInt(vectorAt), true);
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(32, at + BigInt(controlAt), true);
  view.setBigUint64(40, BigInt(16 + 4 * descriptorsMax), true);
  view.setBigUint64(vectorAt, at + BigInt(bytesAt), true);
  view.setBigUint64(vectorAt + 8, BigInt(maxBytes), true);
  const MSG_CMSG_CLOEXEC = 0x40000000;
  let size: number;
  do size = raw(c.sys.recvmsg, socket, addressIn(message), MSG_CMSG_CLOEXEC);
  while (size === -c.EINTR);
  if (size < 0) throw failure("receive a message", -size);
  const controlBytes = Number(view.getBigUint64(40, true));
  const isRights = controlBytes >= 16 && view.getInt32(controlAt + 12, true) === 1;
  const count = isRights ? (Number(view.getBigUint64(controlAt, true)) - 16) / 4 : 0;
  const descriptors = Array.from(
    { length: count },
    (_, index) => view.getInt32(controlAt + 16 + 4 * index, true) as Fd, // made by the kernel
  );
  const MSG_TRUNC = 0x20;
  if ((view.getInt32(48, true) & MSG_TRUNC) !== 0) {
    for (const fd of descriptors) raw(c.sys.close, fd);
    throw failure(`receive a message of more than ${maxBytes} bytes`, c.EMSGSIZE);
  }
  return { bytes: message.slice(bytesAt, bytesAt + size), descriptors };
}

/** struct pollfd: fd i32@0, events u16@4, revents u16@6. */
export function pollOne(fd: Fd, events: number, timeoutMs: number): boolean {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const address = place(8);
    const view = placed(address, 8);
    view.setInt32(0, fd, true);
    view.setUint16(4, events, true);
    const left = timeoutMs < 0 ? -1 : Math.max(0, Math.ceil(deadline - performance.now()));
    const result = raw(c.sys.poll, address, 1, left);
    if (result !== -c.EINTR) return result > 0;
  }
}

/**
 * A thread is in one network namespace, and a socket stays in the one it was made in: setns(2) for the
 * moment of making it is what other threads of the process never see.
 */
export function routeSocket(namespace?: Fd): Fd {
  const AF_NETLINK = 16;
  const type = 3 /* SOCK_RAW */ | c.O_CLOEXEC;
  const make = () => call(() => "socket", c.sys.socket, AF_NETLINK, type, 0) as Fd;
  if (namespace === undefined) return make();
  const CLONE_NEWNET = 0x40000000;
  const own = call(
    () => "open this network namespace",
    c.sys.openat,
    c.AT_FDCWD,
    text("/proc/thread-self/ns/net"),
    c.O_CLOEXEC,
  );
  try {
    call(() => "enter a network namespace", c.sys.setns, namespace, CLONE_NEWNET);
    try {
      return make();
    } finally {
      call(() => "come back from a network namespace", c.sys.setns, own, CLONE_NEWNET);
    }
  } finally {
    raw(c.sys.close, own);
  }
}
