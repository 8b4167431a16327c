// SPDX-License-Identifier: Apache-2.0
/** A kernel that remembers what was opened through it, for undoing what failed half-way. */
import type { Fd, Kernel } from "./kernel.ts";

export type Tracked = {
  readonly kernel: Kernel;
  /** Closes what was opened through the kernel and is still open. */
  readonly closeAll: () => void;
};

export function trackDescriptors(inner: Kernel): Tracked {
  const open = new Set<Fd>();
  const add = (fd: Fd) => {
    open.add(fd);
    return fd;
  };
  const addBoth = ([one, other]: [Fd, Fd]): [Fd, Fd] => [add(one), add(other)];
  const close = (fd: Fd) => {
    open.delete(fd);
    inner.close(fd);
  };
  const kernel: Kernel = {
    open: (path, flags, mode) => add(inner.open(path, flags, mode)),
    openAt: (directory, path, flags, mode) => add(inner.openAt(directory, path, flags, mode)),
    openWithoutMagicLinks: (path, flags) => add(inner.openWithoutMagicLinks(path, flags)),
    close,
    memfd: (name) => add(inner.memfd(name)),
    sealedCopy: (path, name) => add(inner.sealedCopy(path, name)),
    packetPair: () => addBoth(inner.packetPair()),
    streamPair: () => addBoth(inner.streamPair()),
    connectUnix: (path) => add(inner.connectUnix(path)),
    listenUnix: (path, backlog) => add(inner.listenUnix(path, backlog)),
    bindDatagram: (path) => add(inner.bindDatagram(path)),
    connectDatagram: (path) => add(inner.connectDatagram(path)),
    routeSocket: (namespace) => add(inner.routeSocket(namespace)),
    eventFd: () => add(inner.eventFd()),
    pidfd: (pid) => add(inner.pidfd(pid)),
    pidfdGetFd: (pidfd, number) => add(inner.pidfdGetFd(pidfd, number)),
    loadDeviceProgram: (name, instructions) => add(inner.loadDeviceProgram(name, instructions)),
    devicePrograms: (cgroup) => {
      const programs = inner.devicePrograms(cgroup);
      for (const { program } of programs) add(program);
      return programs;
    },

    reap: (pid) => inner.reap(pid),
    reapChildren: () => inner.reapChildren(),
    resetSignals: () => inner.resetSignals(),
    read: (fd, maxBytes) => inner.read(fd, maxBytes),
    write: (fd, bytes) => inner.write(fd, bytes),
    mkdir: (path, mode) => inner.mkdir(path, mode),
    rmdir: (path) => inner.rmdir(path),
    rmdirAt: (directory, name) => inner.rmdirAt(directory, name),
    unlink: (path) => inner.unlink(path),
    rename: (from, to) => inner.rename(from, to),
    mkfifo: (path, mode) => inner.mkfifo(path, mode),
    chmod: (path, mode) => inner.chmod(path, mode),
    chown: (path, uid, gid) => inner.chown(path, uid, gid),
    stat: (path) => inner.stat(path),
    lstat: (path) => inner.lstat(path),
    fstat: (fd) => inner.fstat(fd),
    readlink: (path) => inner.readlink(path),
    list: (path) => inner.list(path),
    listAt: (directory) => inner.listAt(directory),
    chdir: (path) => inner.chdir(path),
    umask: (mask) => inner.umask(mask),
    seal: (memfd) => inner.seal(memfd),
    sendDescriptor: (socket, bytes, fd) => inner.sendDescriptor(socket, bytes, fd),
    receiveDescriptors: (socket, maxBytes) => {
      const received = inner.receiveDescriptors(socket, maxBytes);
      for (const fd of received.descriptors) add(fd);
      return received;
    },
    waitAny: (awaited, timeoutMs) => inner.waitAny(awaited, timeoutMs),
    waitReadable: (fd, timeoutMs) => inner.waitReadable(fd, timeoutMs),
    setInherited: (fd, inherited) => inner.setInherited(fd, inherited),
    namespaceType: (fd) => inner.namespaceType(fd),
    lock: (fd) => inner.lock(fd),
    attachDeviceProgram: (cgroup, program, replaced) =>
      inner.attachDeviceProgram(cgroup, program, replaced),
    spawn: (program) => inner.spawn(program),
    execute: (program) => inner.execute(program),
    kill: (pid, signal) => inner.kill(pid, signal),
    pidfdSignal: (pidfd, signal) => inner.pidfdSignal(pidfd, signal),
    pid: () => inner.pid(),
    euid: () => inner.euid(),
    egid: () => inner.egid(),
    nowMs: () => inner.nowMs(),
    sleepMs: (ms) => inner.sleepMs(ms),
  };
  return { kernel, closeAll: () => [...open].forEach(close) };
}
