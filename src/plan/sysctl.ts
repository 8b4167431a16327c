// SPDX-License-Identifier: Apache-2.0
/** `linux.sysctl`: only what belongs to a namespace of the container's own may be set. */
import { RuneError } from "../errors/error.ts";
import type { Config } from "../oci/config.ts";
import type { NamespaceType } from "../oci/namespaces.ts";
import type { PlanBuilder } from "./encode.ts";
import { isSeparate } from "./namespaces.ts";

const ipcNames: ReadonlySet<string> = new Set([
  "kernel.msgmax",
  "kernel.msgmnb",
  "kernel.msgmni",
  "kernel.sem",
  "kernel.shmall",
  "kernel.shmmax",
  "kernel.shmmni",
  "kernel.shm_rmid_forced",
]);

/** The file below /proc/sys; a name has dots, or slashes where a component itself has a dot. */
export function planSysctl(plan: PlanBuilder, sysctl: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(sysctl)) {
    plan.add({ op: "sysctl", name: sysctlPath(name), value });
  }
}

/** Refuses a value that would change the host. */
export function checkSysctl(config: Config): void {
  for (const name of Object.keys(config.linux?.sysctl ?? {})) {
    const namespace = namespaceOf(sysctlPath(name).replaceAll("/", "."));
    if (namespace !== undefined && isSeparate(config, namespace)) continue;
    throw new RuneError({
      code: "CONFIG_INVALID",
      doing: `config \`linux.sysctl\`: set \`${name}\``,
      reason:
        namespace === undefined
          ? "it belongs to the whole host"
          : `the container has no ${namespace} namespace of its own`,
    });
  }
}

/** sysctl(8): the first separator decides which of `.` and `/` separates. */
function sysctlPath(name: string): string {
  const separator = /[./]/.exec(name)?.[0] ?? ".";
  const swap: Readonly<Record<string, string>> = { ".": "/", "/": "." };
  const path = separator === "." ? name.replace(/[./]/g, (c) => swap[c] ?? c) : name;
  if (path.split("/").some((part) => part === "" || part === "." || part === "..")) {
    const doing = `config \`linux.sysctl\`: set \`${name}\``;
    throw new RuneError({ code: "CONFIG_INVALID", doing, reason: "not a name of a value" });
  }
  return path;
}

function namespaceOf(name: string): NamespaceType | undefined {
  if (ipcNames.has(name) || name.startsWith("fs.mqueue.")) return "ipc";
  if (name.startsWith("net.")) return "network";
  if (name === "kernel.domainname" || name === "kernel.hostname") return "uts";
  return undefined;
}
