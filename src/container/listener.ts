// SPDX-License-Identifier: Apache-2.0
/** The seccomp listener's way to its agent: config-linux.md, "The Container Process State". */
import { RuneError } from "../errors/error.ts";
import type { Kernel, Pid } from "../kernel/kernel.ts";
import { type OciState, ociVersion } from "../oci/state.ts";
import type { SeccompListener } from "../seccomp/filter.ts";

/**
 * Takes the listener, a descriptor of the process, and sends it with the state to the agent's socket.
 * The state is the container's; its pid may be another than the process's.
 */
export function sendListener(
  kernel: Kernel,
  { path, metadata }: SeccompListener,
  { pid, fd, state }: { readonly pid: Pid; readonly fd: number; readonly state: OciState },
): void {
  const document = {
    ociVersion,
    fds: ["seccompFd"],
    pid,
    ...(metadata === undefined ? {} : { metadata }),
    state,
  };
  const pidfd = kernel.pidfd(pid);
  const listener = kernel.pidfdGetFd(pidfd, fd);
  kernel.close(pidfd);
  try {
    const socket = kernel.connectUnix(path);
    kernel.sendDescriptor(socket, new TextEncoder().encode(JSON.stringify(document)), listener);
    kernel.close(socket);
  } catch (error) {
    throw RuneError.from(error, "send the seccomp listener").within(`seccomp listener \`${path}\``);
  } finally {
    kernel.close(listener);
  }
}
