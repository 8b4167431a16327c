// SPDX-License-Identifier: Apache-2.0
/** For tests: where controllers are on this machine, and what a container's cgroup files say. */
import { existsSync, readdirSync, readFileSync, rmdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Hierarchy, isUnifiedOnly, readHierarchies } from "../../src/cgroups/layout.ts";
import { linux } from "../../src/kernel/linux.ts";

export const hierarchies = readHierarchies(linux);

/** The version 1 hierarchy of a controller. */
export function version1(controller: string): Hierarchy | undefined {
  return hierarchies.find(({ controllers }) => controllers.includes(controller));
}

/** The version 2 hierarchy, where it has the controllers. */
export function version2(...controllers: string[]): Hierarchy | undefined {
  const found = hierarchies.find(({ version }) => version === 2);
  if (found === undefined) return undefined;
  const there = readFileSync(join(found.mountPoint, "cgroup.controllers"), "utf8")
    .trim()
    .split(" ");
  return controllers.every((name) => there.includes(name)) ? found : undefined;
}

/** Why a test of these version 1 controllers cannot run here. */
export function withoutVersion1(...controllers: string[]): string | undefined {
  const missing = controllers.filter((name) => version1(name) === undefined);
  return missing.length === 0 ? undefined : `needs the cgroup v1 controllers ${missing.join(", ")}`;
}

/** Why a test of version 2 cannot run here: most machines of tests have hybrid hierarchies. */
export function withoutUnified(...controllers: string[]): string | undefined {
  return isUnifiedOnly(hierarchies) && version2(...controllers) !== undefined
    ? undefined
    : "needs cgroup v2 unified with controllers";
}

/** Why a test that needs controllers of either version cannot run here. */
export function withoutControllers(...controllers: string[]): string | undefined {
  const found = controllers.every((name) => version1(name) ?? version2(name));
  return found ? undefined : `needs the cgroup controllers ${controllers.join(", ")}`;
}

/** What a file of a container's cgroup says; `path` is an absolute cgroupsPath. */
export function limit(file: string, path: string): string {
  const controller = file.slice(0, file.indexOf("."));
  const hierarchy = version1(controller) ?? version2();
  return readFileSync(join(hierarchy?.mountPoint ?? "", path, file), "utf8").trimEnd();
}

/** What changes by itself. */
const measured =
  /stat|usage|pressure|failcnt|events|procs|tasks|threads|current|peak|service|effective|cpuset\.memory_pressure|numa|serviced|reset|kmem/;

/** Every file of the container's cgroup that holds a setting, of every hierarchy, by its path. */
export function settings(path: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const { mountPoint, controllers } of hierarchies) {
    if (controllers.includes("devices")) continue; // the order of rules is not what they mean
    const directory = join(mountPoint, path);
    for (const name of readdirSync(directory).sort()) {
      const file = join(directory, name);
      const { mode } = statSync(file);
      if (measured.test(name) || (mode & 0o170444) !== 0o100444) continue;
      found.set(`${mountPoint}/${name}`, readFileSync(file, "utf8").trimEnd());
    }
  }
  return found;
}

/** Directories above a container's cgroup stay, as with every runtime; they are the test's. */
export function removeParents(...paths: readonly string[]): void {
  for (const { mountPoint } of hierarchies) {
    for (const path of paths.flatMap((one) => [`${one}/parent`, one])) {
      if (existsSync(join(mountPoint, path))) rmdirSync(join(mountPoint, path));
    }
  }
}
