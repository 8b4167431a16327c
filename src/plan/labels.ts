// SPDX-License-Identifier: Apache-2.0
/** Security labels of the process, the session keyring, and the time namespace: all by way of /proc. */
import { O_DIRECTORY, O_PATH } from "../kernel/constants.ts";
import type { Config, Process } from "../oci/config.ts";
import type { LinuxConfig } from "../oci/config-linux.ts";
import type { PlanBuilder } from "./encode.ts";
import { isNew } from "./namespaces.ts";
import type { Operation, Slot } from "./operation.ts";

/**
 * The host's procfs, opened before the container's mounts are made: what an image mounts over a
 * file of /proc must not get what is written there.
 */
export function planProc(plan: PlanBuilder): Slot {
  const slot = plan.slot();
  plan.add({ op: "open", slot, path: "/proc", flags: O_PATH | O_DIRECTORY });
  return slot;
}

export function hasLabels({ apparmorProfile, selinuxLabel }: Process): boolean {
  return isSet(apparmorProfile) || isSet(selinuxLabel);
}

/**
 * For the program that is executed; a payload in an enclave is executed by nobody: its host process
 * changes its own label.
 */
export function labels(process: Process, proc: Slot, when: "exec" | "now"): Operation[] {
  const { apparmorProfile = "", selinuxLabel = "" } = process;
  const file = when === "exec" ? "exec" : "current";
  const verb = when === "exec" ? "exec" : "changeprofile";
  return [
    ...(isSet(apparmorProfile)
      ? [label(proc, `attr/apparmor/${file}`, `${verb} ${apparmorProfile}`)]
      : []),
    ...(isSet(selinuxLabel) ? [label(proc, `attr/${file}`, selinuxLabel)] : []),
  ];
}

/** The keyring of every process of the container, by runc's name for it. */
export function sessionKeyring(id: string, process: Process, proc: Slot | undefined): Operation[] {
  const join = { op: "keyring", name: `_ses.${id}` } as const;
  const { selinuxLabel } = process;
  if (proc === undefined || selinuxLabel === undefined || selinuxLabel === "") return [join];
  const create = (text: string) => label(proc, "attr/keycreate", text);
  return [create(selinuxLabel), join, create("")];
}

/** Whether the container gets a time namespace of its own. */
export function hasNewTime(config: Config): boolean {
  return isNew(config, "time");
}

/** time_namespaces(7): a line "clock seconds nanoseconds" for each clock. */
export function newTime(proc: Slot, timeOffsets: LinuxConfig["timeOffsets"] = {}): Operation {
  const lines = (["monotonic", "boottime"] as const).flatMap((clock) => {
    const offset = timeOffsets[clock];
    if (offset === undefined) return [];
    return [`${clock} ${offset.secs ?? 0n} ${offset.nanosecs ?? 0}\n`];
  });
  return { op: "time", proc, offsets: lines.join("") };
}

/** The kernel's own file systems have labels by policy, and runc leaves them alone, too. */
const labelledByPolicy: readonly string[] = ["proc", "sysfs", "cgroup", "cgroup2"];

/** Gives every file system that the plan makes the label as a whole: mount(8), `context=`. */
export function labelMounts(operations: Operation[], mountLabel: string): void {
  for (const [index, operation] of operations.entries()) {
    operations[index] = labelledMount(operation, mountLabel);
  }
}

function labelledMount(operation: Operation, mountLabel: string): Operation {
  switch (operation.op) {
    case "mountFs":
      if (labelledByPolicy.includes(operation.type)) return operation;
      return { ...operation, options: [...operation.options, `context=${mountLabel}`] };
    case "tmpfs":
    case "mask":
      return { ...operation, options: [...operation.options, `context=${mountLabel}`] };
    case "mountData": {
      // Quoted, as a category list has commas: selinux_sb_eat_lsm_opts in security/selinux/hooks.c.
      const label = `context="${mountLabel}"`;
      const data = operation.data === "" ? label : `${operation.data},${label}`;
      return { ...operation, data };
    }
    default:
      return operation;
  }
}

function label(proc: Slot, file: string, text: string): Operation {
  return { op: "label", proc, file, label: text };
}

function isSet(text: string | undefined): boolean {
  return text !== undefined && text !== "";
}
