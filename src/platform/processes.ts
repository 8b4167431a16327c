// SPDX-License-Identifier: Apache-2.0
/** What /proc says of a process that has asked something. */
import { readFileSync } from "node:fs";

export type ProcessMark = {
  readonly pid: number;
  /** In clock ticks since boot: with the pid it is one process for ever. */
  readonly startTime: string;
};

/** Undefined for one that has ended, or is not in this pid namespace. */
export function markOf(pid: number): ProcessMark | undefined {
  if (pid <= 0) return undefined;
  const stat = read(`/proc/${pid}/stat`);
  // The name, in parentheses, may contain anything. Behind it are the fields from the third on.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, startTime] = [fields?.[0], fields?.[19]];
  if (startTime === undefined || state === "Z" || state === "X") return undefined;
  return { pid, startTime };
}

export function isAlive(mark: ProcessMark): boolean {
  return markOf(mark.pid)?.startTime === mark.startTime;
}

/** As ps(1) shows it; control characters would be the peer's to choose. */
export function nameOf(pid: number): string {
  return printable(read(`/proc/${pid}/comm`)?.trimEnd() ?? "");
}

/**
 * The container a process is in, as far as its cgroup tells: the path's last component, without what
 * systemd's slices put around an id. "" for the cgroups of sessions and services.
 */
export function containerOf(pid: number): string {
  return containerOfCgroup(read(`/proc/${pid}/cgroup`) ?? "");
}

const scopePattern =
  /^(?:(?:docker|libpod|cri-containerd|containerd|crio|rune|runc|crun)-)?([\w+.-]+)\.scope$/;

export function containerOfCgroup(text: string): string {
  const lines = text.split("\n");
  const unified = lines.find((line) => line.startsWith("0::")) ?? "";
  const devices = lines.find((line) => /^\d+:(\w+,)*(devices|pids)(,\w+)*:/.test(line)) ?? "";
  for (const line of [unified, devices]) {
    const last = line.slice(line.lastIndexOf("/") + 1);
    const scope = scopePattern.exec(last);
    const isSession = /^(session-.*|init|run-.*)\.scope$/.test(last);
    if (scope?.[1] !== undefined && !isSession) return printable(scope[1]);
    if (last !== "" && line.includes("/") && !/\.(scope|service|slice|mount)$/.test(last)) {
      return printable(last);
    }
  }
  return "";
}

function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 256);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined; // it has ended
  }
}
