// SPDX-License-Identifier: Apache-2.0
import { isUnifiedOnly } from "../../cgroups/layout.ts";
import { broken, type Check, missing, ok } from "../check.ts";

/** Without these a limit that engines set by default, or freezing, fails. */
const wanted = {
  unified: ["cpu", "memory", "pids"],
  split: ["cpu", "memory", "pids", "devices", "freezer"],
};

export const containersCgroups: Check = {
  topic: "containers",
  name: "cgroups",
  about:
    "which cgroup hierarchies are mounted (version 1, 2, or both), whether the controllers are there, and whether this caller may make groups",
  look: (probe) => {
    const hierarchies = probe.hierarchies();
    const unified = hierarchies.find(({ version }) => version === 2);
    const split = hierarchies.filter(({ version }) => version === 1);
    if (hierarchies.length === 0) {
      return missing("no cgroup hierarchy is mounted", "mount -t cgroup2 none /sys/fs/cgroup");
    }
    const isUnified = isUnifiedOnly(hierarchies);
    const own =
      unified === undefined ? "" : `${unified.mountPoint}${unified.own === "/" ? "" : unified.own}`;
    const controllers = isUnified
      ? (probe.text(`${own}/cgroup.controllers`) ?? "").trim().split(/\s+/)
      : split.flatMap((one) => one.controllers);
    const layout = isUnified
      ? "version 2"
      : unified === undefined
        ? "version 1"
        : "version 1 beside version 2 (hybrid)";
    const absent = wanted[isUnified ? "unified" : "split"].filter(
      (name) => !controllers.includes(name),
    );
    if (absent.length > 0) {
      return broken(
        `${layout}, without ${absent.join(", ")}: limits of these fail`,
        isUnified && probe.euid !== 0
          ? "let systemd delegate them: `Delegate=cpu cpuset io memory pids` in a drop-in of user@.service"
          : "boot without `cgroup_disable=` on the kernel's command line",
      );
    }
    if (probe.euid === 0) return ok(`${layout}: ${controllers.join(", ")}`);
    const closed = isUnified ? probe.refusal(`${own}/cgroup.procs`) : "version 1 is root's";
    if (closed === undefined)
      return ok(`${layout}, delegated to this caller: ${controllers.join(", ")}`);
    return missing(
      `${layout}; not delegated to this caller (${closed}): containers run without limits`,
      isUnified
        ? "run it in a unit with Delegate=yes: systemd-run --user --scope -p Delegate=yes rune ..."
        : "boot with version 2 alone: systemd.unified_cgroup_hierarchy=1",
    );
  },
};
