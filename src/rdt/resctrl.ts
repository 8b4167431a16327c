// SPDX-License-Identifier: Apache-2.0
/** The mounted resctrl file system (Documentation/filesystems/resctrl.rst), and what it says. */
import { RuneError } from "../errors/error.ts";
import { EACCES, ENOENT, EPERM, EROFS } from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno } from "../kernel/kernel.ts";
import { plainPath, visibility } from "../kernel/mountinfo.ts";

export type Resctrl = {
  /** Where it is mounted. */
  readonly root: string;
  /** Memory bandwidth counts in MBps, not in percent: mount option mba_MBps. */
  readonly countsMegabytes: boolean;
};

/** The first mount of the whole file system that its mount point leads to. */
export function findResctrl(kernel: Kernel, doing: string): Resctrl {
  const lines = readText(kernel, "/proc/self/mountinfo").split("\n");
  const isVisible = visibility(lines);
  for (const line of lines) {
    const separator = line.indexOf(" - resctrl ");
    if (separator < 0) continue;
    const [id = "", , , root = "", mountPoint = ""] = line.split(" ");
    if (root !== "/" || !isVisible(id, mountPoint)) continue;
    const [, , options = ""] = line.slice(separator + 3).split(" ");
    const countsMegabytes = options.split(",").includes("mba_MBps");
    return { root: plainPath(mountPoint), countsMegabytes };
  }
  throw new RuneError({
    code: "HOST_UNSUPPORTED",
    doing,
    reason: "no resctrl file system is mounted",
    hint: "`mount -t resctrl resctrl /sys/fs/resctrl`, which needs a processor with Intel RDT (`rdt_a` or `cqm` among the flags of /proc/cpuinfo)",
  });
}

/** The monitoring features: "llc_occupancy", "mbm_total_bytes", ...; none where it does not monitor. */
export function monitoringFeatures(kernel: Kernel, root: string): string[] {
  const text = readInfo(kernel, root, "L3_MON/mon_features") ?? "";
  return text.split("\n").filter(Boolean);
}

/** A file below `info`, trimmed; undefined where there is none. */
export function readInfo(kernel: Kernel, root: string, name: string): string | undefined {
  return unlessErrno(() => readText(kernel, `${root}/info/${name}`), ENOENT)?.trim();
}

/** A failure of the file system's with what it says about it itself, and what to do about it. */
export function resctrlError(
  kernel: Kernel,
  { root }: Pick<Resctrl, "root">,
  error: unknown,
  doing: string,
): RuneError {
  const { errno, reason, hint } = RuneError.from(error, doing);
  const refused = [EACCES, EPERM, EROFS].includes(errno ?? 0) && kernel.euid() !== 0;
  const advice = refused
    ? "the groups of resctrl are the host's root's: run rune as root, or have root give the user a class's `tasks` files"
    : hint;
  return new RuneError({
    code: "RESCTRL",
    doing,
    reason: [reason, ...lastStatus(kernel, root)].join(": "),
    ...(errno === undefined ? {} : { errno }),
    ...(advice === undefined ? {} : { hint: advice }),
    cause: error,
  });
}

/** What the last command met: errno alone does not tell a malformed mask from one too small. */
function lastStatus(kernel: Kernel, root: string): string[] {
  try {
    const status = readInfo(kernel, root, "last_cmd_status") ?? "ok";
    return status === "ok" || status === "" ? [] : [status.replaceAll("\n", ", ")];
  } catch {
    return []; // the failure itself matters more than why nobody may read about it
  }
}
