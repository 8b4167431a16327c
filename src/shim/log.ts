// SPDX-License-Identifier: Apache-2.0
/** Lines of the shim in containerd's log. containerd copies what comes through the fifo `log` of a bundle. */
import { RuneError } from "../errors/error.ts";
import { ENOENT, ENXIO, O_NONBLOCK, O_WRONLY } from "../kernel/constants.ts";
import { type Kernel, unlessErrno } from "../kernel/kernel.ts";

export type LogLevel = "debug" | "info" | "warning";

/** The container that a line is about. */
export type Subject = { readonly id: string; readonly bundle: string };

export type Log = {
  /** With containerd's debug level; what is only said then should not be put into words else. */
  readonly debug: boolean;
  readonly write: (about: Subject, level: LogLevel, message: string) => void;
};

export function bundleLog(kernel: Kernel, namespace: string, debug: boolean): Log {
  return {
    debug,
    write: (about, level, message) => {
      if (level !== "debug" || debug)
        append(kernel, about, lineOf(namespace, about, level, message));
    },
  };
}

/** As logrus writes it, which is what containerd's own lines are. */
function lineOf(namespace: string, { id }: Subject, level: LogLevel, message: string): string {
  const time = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  const fields = `container=${JSON.stringify(id)} namespace=${JSON.stringify(namespace)}`;
  return `time="${time}" level=${level} msg=${JSON.stringify(message)} ${fields}\n`;
}

/** Nobody reads: nobody is told. */
function append(kernel: Kernel, { bundle }: Subject, line: string): void {
  try {
    const fd = unlessErrno(
      () => kernel.open(`${bundle}/log`, O_WRONLY | O_NONBLOCK),
      ENOENT,
      ENXIO,
    );
    if (fd === undefined) return;
    try {
      kernel.write(fd, new TextEncoder().encode(line));
    } finally {
      kernel.close(fd);
    }
  } catch (error) {
    RuneError.from(error, "log"); // a full fifo: the line is lost, the task is not
  }
}
