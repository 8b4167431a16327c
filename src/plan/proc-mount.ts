// SPDX-License-Identifier: Apache-2.0
/**
 * What may be mounted on /proc. Whatever answers there is believed to be the kernel: rune itself
 * writes to it, and masked and read-only paths are below it (CVE-2019-16884, CVE-2019-19921,
 * CVE-2023-27561). The interpreter checks the same for destinations that links lead elsewhere.
 */
import { RuneError } from "../errors/error.ts";
import type { Mount } from "../oci/config.ts";

/** Files that lxcfs and others imitate; runc's list. */
const imitated: ReadonlySet<string> = new Set([
  "/proc/cpuinfo",
  "/proc/diskstats",
  "/proc/loadavg",
  "/proc/meminfo",
  "/proc/net/dev",
  "/proc/slabinfo",
  "/proc/stat",
  "/proc/swaps",
  "/proc/sys/crypto/fips_enabled",
  "/proc/sys/kernel/ns_last_pid",
  "/proc/uptime",
]);

/** @throws RuneError for a clean, absolute destination that is not allowed */
export function checkProcMount(mount: Mount, destination: string, isBind: boolean): void {
  if (destination === "/proc") {
    // A bind's source is checked when it is open.
    if (isBind || mount.type === "proc") return;
    throw refused(destination, `only a procfs may be there, not \`${mount.type ?? ""}\``);
  }
  if (!destination.startsWith("/proc/") || imitated.has(destination)) return;
  throw refused(destination, "nothing may be mounted inside /proc, but for some single files");
}

function refused(destination: string, reason: string): RuneError {
  const doing = `config mount \`${destination}\``;
  return new RuneError({ code: "CONFIG_INVALID", doing, reason });
}
