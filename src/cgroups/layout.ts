// SPDX-License-Identifier: Apache-2.0
/** Where the host's cgroup hierarchies are mounted: version 1, version 2, or both (hybrid). */
import { type Kernel, readText } from "../kernel/kernel.ts";
import { plainPath, visibility } from "../kernel/mountinfo.ts";

export type Hierarchy = {
  readonly version: 1 | 2;
  readonly mountPoint: string;
  /** Version 1: "cpu", "cpuacct", or "name=systemd"; empty for version 2. */
  readonly controllers: readonly string[];
  /** This process's own cgroup in the hierarchy, from its root: "/" or "/user.slice/...". */
  readonly own: string;
};

/** All mounted hierarchies, version 1 in mount order, version 2 last. */
export function readHierarchies(kernel: Kernel): Hierarchy[] {
  return parseHierarchies(
    readText(kernel, "/proc/self/mountinfo"),
    readText(kernel, "/proc/self/cgroup"),
  );
}

/** True when there is a version 2 hierarchy and no version 1 controller beside it. */
export function isUnifiedOnly(hierarchies: readonly Hierarchy[]): boolean {
  return hierarchies.length > 0 && hierarchies.every(({ version }) => version === 2);
}

/** proc_pid_mountinfo(5): fields, " - ", type, source, super options. */
export function parseHierarchies(mountinfo: string, selfCgroup: string): Hierarchy[] {
  const own = parseOwn(selfCgroup);
  const lines = mountinfo.split("\n");
  const isVisible = visibility(lines);
  const found = new Map<string, Hierarchy & { readonly whole: boolean }>();
  for (const line of lines) {
    const separator = line.indexOf(" - cgroup");
    if (separator < 0) continue;
    const [type, , options = ""] = line.slice(separator + 3).split(" ");
    const [id = "", , , root = "", mountPoint = ""] = line.split(" ");
    const version = type === "cgroup2" ? 2 : 1;
    const controllers = version === 2 ? [] : controllersOf(options, own);
    const key = controllers.join(",");
    if (version === 1 && controllers.length === 0) continue;
    const below = pathBelow(plainPath(root), own.get(key) ?? "/");
    // A hierarchy may be mounted several times, also in part; the first whole one is the host's.
    const whole = root === "/";
    if (below === undefined || found.get(key)?.whole === true) continue;
    if ((found.has(key) && !whole) || !isVisible(id, mountPoint)) continue;
    found.set(key, { version, mountPoint: plainPath(mountPoint), controllers, own: below, whole });
  }
  return [...found.values()]
    .map(({ whole: _, ...hierarchy }) => hierarchy)
    .sort((a, b) => a.version - b.version);
}

/**
 * Where this process is, seen from a mount of the hierarchy from `root` on. In a container without a
 * cgroup namespace the container's own cgroups are bound to where the whole is elsewhere, and what is
 * made in them is below the container; undefined for a mount of what is not ours. From within a cgroup
 * namespace, "/.." is what lies above its root.
 */
function pathBelow(root: string, own: string): string | undefined {
  if (own.startsWith("/..")) return root === "/" ? "/" : undefined;
  if (root === "/") return own;
  if (own === root) return "/";
  return own.startsWith(`${root}/`) ? own.slice(root.length) : undefined;
}

/** "4:memory:/path" and "0::/path": controllers, joined as in the file, to path. */
function parseOwn(text: string): Map<string, string> {
  const own = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, controllers, ...path] = line.split(":");
    if (controllers !== undefined && path.length > 0) own.set(controllers, path.join(":"));
  }
  return own;
}

/** Super options of version 1 are "rw,cpu,cpuacct,...": those that /proc/self/cgroup names. */
function controllersOf(options: string, own: ReadonlyMap<string, string>): string[] {
  const present = new Set(options.split(","));
  for (const key of own.keys()) {
    const names = key.split(",");
    if (key !== "" && names.every((name) => present.has(name))) return names;
  }
  return [];
}
