// SPDX-License-Identifier: Apache-2.0
/** What a container is doing, from its state, its process and its fifo. */
import { isFrozen } from "../cgroups/freezer.ts";
import { RuneError } from "../errors/error.ts";
import { ENOENT, ESRCH } from "../kernel/constants.ts";
import { type Kernel, type Pid, readText, unlessErrno } from "../kernel/kernel.ts";
import { type ContainerReport, type ContainerStatus, ociVersion } from "../oci/state.ts";
import type { InitProcess, State } from "./state.ts";

/** The status at this moment; `path` is the container's directory. */
export function statusOf(kernel: Kernel, path: string, state: State): ContainerStatus {
  if (state.init === undefined) return "creating";
  if (!isAlive(kernel, state.init)) return "stopped";
  // Before the fifo, as runc: a container that was created and paused is `paused`.
  if (isFrozen(kernel, state.cgroup)) return "paused";
  const waits = unlessErrno(() => kernel.lstat(`${path}/exec.fifo`), ENOENT) !== undefined;
  return waits ? "created" : "running";
}

/** True while the very process lives: a zombie is dead, a recycled pid is another. */
export function isAlive(kernel: Kernel, { pid, startTime }: InitProcess): boolean {
  const found = readProcess(kernel, pid);
  return found !== undefined && found.startTime === startTime && !"ZX".includes(found.state);
}

type Process = {
  /** "R", "S", "Z", ... */
  readonly state: string;
  readonly parent: number;
  readonly startTime: number;
};

/** proc_pid_stat(5): the command may hold spaces and parentheses, so count from the last one. */
export function readProcess(kernel: Kernel, pid: number): Process | undefined {
  const text = unlessErrno(() => readText(kernel, `/proc/${pid}/stat`), ENOENT, ESRCH);
  const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, parent, startTime] = [fields?.[0], fields?.[1], fields?.[19]];
  if (state === undefined || parent === undefined || startTime === undefined) return undefined;
  return { state, parent: Number(parent), startTime: Number(startTime) };
}

/**
 * The process a PID message names, once it is known to be a child of ours, as CLONE makes it. The
 * container's side shares the channel and might name a process of the host, for `kill` and `delete`
 * to end.
 */
export function requireChild(kernel: Kernel, pid: Pid): Process & { readonly pid: Pid } {
  const found = readProcess(kernel, pid);
  if (found?.parent === kernel.pid()) return { ...found, pid };
  const reason =
    found === undefined ? "it died before it was started" : `process ${pid} is not a child of rune`;
  throw new RuneError({ code: "RUNELET", doing: "start the container's process", reason });
}

/** What `state` and `list` print. */
export function report(kernel: Kernel, path: string, state: State): ContainerReport {
  const status = statusOf(kernel, path, state);
  return {
    ociVersion,
    id: state.id,
    pid: status === "stopped" ? 0 : (state.init?.pid ?? 0),
    status,
    bundle: state.bundle,
    rootfs: state.rootfs,
    created: state.created,
    ...(Object.keys(state.annotations).length === 0 ? {} : { annotations: state.annotations }),
    ...(state.enclave === undefined ? {} : { enclave: state.enclave }),
    owner: ownerName(kernel, state.ownerUid),
  };
}

/** The user's name, or "#uid" where there is none, as runc prints it. */
function ownerName(kernel: Kernel, uid: number): string {
  if (uid === 0) return "root";
  const passwd = unlessErrno(() => readText(kernel, "/etc/passwd"), ENOENT) ?? "";
  const line = passwd.split("\n").find((entry) => entry.split(":")[2] === String(uid));
  return line?.split(":")[0] ?? `#${uid}`;
}
