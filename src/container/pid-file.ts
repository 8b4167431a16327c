// SPDX-License-Identifier: Apache-2.0
import { RuneError } from "../errors/error.ts";
import { ENOENT, O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } from "../kernel/constants.ts";
import { type Kernel, type Pid, unlessErrno } from "../kernel/kernel.ts";

/** Sends a pidfd to whoever listens on the socket; the word says which kind of process it is, as with runc. */
export function sendPidfd(
  kernel: Kernel,
  socketPath: string,
  pid: Pid,
  kind: "standard" | "setns",
): void {
  const pidfd = kernel.pidfd(pid);
  try {
    const socket = kernel.connectUnix(socketPath);
    kernel.sendDescriptor(socket, new TextEncoder().encode(kind), pidfd);
    kernel.close(socket);
  } catch (error) {
    throw RuneError.from(error, "send the pidfd").within(`pidfd socket \`${socketPath}\``);
  } finally {
    kernel.close(pidfd);
  }
}

/** Writes a pid for an engine: it sees the whole number or no file. */
export function writePidFile(kernel: Kernel, path: string, pid: Pid): void {
  const slash = path.lastIndexOf("/");
  const temporary = `${path.slice(0, slash + 1)}.${path.slice(slash + 1)}`;
  let made = false;
  try {
    const fd = kernel.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o644);
    made = true;
    try {
      kernel.write(fd, new TextEncoder().encode(String(pid)));
    } finally {
      kernel.close(fd);
    }
    kernel.rename(temporary, path);
  } catch (error) {
    if (made) unlessErrno(() => kernel.unlink(temporary), ENOENT);
    throw about(path, RuneError.from(error, "write"));
  }
}

/** Nobody knows the temporary name. */
function about(path: string, { code, reason, errno }: RuneError): RuneError {
  const doing = `write pid file \`${path}\``;
  return new RuneError({ code, doing, reason, ...(errno === undefined ? {} : { errno }) });
}

/** Takes back a pid file that was written, where the command fails after that. */
export function removePidFile(kernel: Kernel, path: string | undefined): void {
  if (path !== undefined) unlessErrno(() => kernel.unlink(path), ENOENT);
}
