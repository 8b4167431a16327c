// SPDX-License-Identifier: Apache-2.0
/**
 * sd_notify(3) for containers, as runc does it: systemd's socket stays outside, the container gets one of
 * ours in /run/notify, and what passes is that it is ready. Loaded only where NOTIFY_SOCKET is set.
 */
import { ENOENT } from "../kernel/constants.ts";
import { type Fd, type Kernel, type Pid, unlessErrno } from "../kernel/kernel.ts";
import type { Config } from "../oci/config.ts";
import type { Deps } from "./deps.ts";
import type { ContainerDirectory } from "./store.ts";

const inContainer = "/run/notify";
const datagramMaxBytes = 4096; // what runc reads of one
/** sd_notify_barrier(3) as systemd's own programs and runc wait for it. */
const barrierMs = 30_000;

/** The configuration with the socket's directory, and the variable that names the socket. */
export function withNotifySocket(config: Config, directory: ContainerDirectory): Config {
  const { process, mounts = [] } = config;
  const source = `${directory.path}/notify`;
  const options = ["bind", "nosuid", "noexec", "nodev", "ro"];
  const others = (process.env ?? []).filter((entry) => !entry.startsWith("NOTIFY_SOCKET="));
  const env = [...others, `NOTIFY_SOCKET=${inContainer}/notify.sock`];
  return {
    ...config,
    process: { ...process, env },
    mounts: [...mounts, { destination: inContainer, source, options }],
  };
}

export function makeNotifyDirectory(kernel: Kernel, directory: ContainerDirectory): void {
  kernel.mkdir(`${directory.path}/notify`, 0o755);
}

/** The socket that the container writes to; undefined where it was created without the directory. */
export function bindNotifySocket(kernel: Kernel, directory: ContainerDirectory): Fd | undefined {
  const path = directory.socketPath("notify/notify.sock");
  const socket = unlessErrno(() => kernel.bindDatagram(path), ENOENT);
  if (socket !== undefined) kernel.chmod(path, 0o777); // any user of the container
  return socket;
}

/** A leading "@" stands for the NUL of an abstract name: sd_notify(3). */
export function connectHost(kernel: Kernel, address: string): Fd {
  return kernel.connectDatagram(address.replace(/^@/, "\0"));
}

/** Waits until the container says that it is ready, and tells systemd; or until its init has ended. */
export function awaitReadiness({ kernel, step }: Deps, socket: Fd, host: string, init: Pid): void {
  const pidfd = kernel.pidfd(init);
  const awaited = [socket, pidfd].map((fd) => ({ fd, change: false }));
  for (;;) {
    const ready = kernel.waitAny(awaited, -1);
    if (!ready.includes(socket)) break;
    const text = new TextDecoder().decode(kernel.read(socket, datagramMaxBytes));
    const line = text.split("\n").find((one) => one.startsWith("READY="));
    if (line === undefined) continue;
    tellHost(kernel, host, [line, `MAINPID=${init}`]);
    step?.("told systemd that the container is ready");
    break;
  }
  for (const fd of [pidfd, socket]) kernel.close(fd);
}

function tellHost(kernel: Kernel, host: string, lines: readonly string[]): void {
  const client = connectHost(kernel, host);
  const encoder = new TextEncoder();
  for (const line of lines) kernel.write(client, encoder.encode(line));
  // systemd has to look up who we are before we are gone.
  const [ours, theirs] = kernel.packetPair();
  kernel.sendDescriptor(client, encoder.encode("BARRIER=1"), theirs);
  kernel.close(theirs);
  kernel.waitReadable(ours, barrierMs);
  for (const fd of [ours, client]) kernel.close(fd);
}
