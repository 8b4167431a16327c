// SPDX-License-Identifier: Apache-2.0
/** Plans around criu: what it runs in, and the mount points that it expects in a root file system. */
import { MS_PRIVATE, MS_SLAVE } from "../kernel/constants.ts";
import type { Fd } from "../kernel/kernel.ts";
import type { Config } from "../oci/config.ts";
import { mountAttributes, parseMountOptions } from "../oci/mount-options.ts";
import { cloneFlags } from "../oci/namespaces.ts";
import type { BindInput } from "./bind-mount.ts";
import { PlanBuilder } from "./encode.ts";
import { boundMount, type ExternalMount } from "./external-mounts.ts";
import type { CgroupPlacement } from "./host.ts";
import { cleanPath, type PlannedMount } from "./mounts.ts";

export type CriuInput = {
  /** A name that is looked for in the search path, or a path. */
  readonly program: string;
  readonly searchPath: string;
  readonly environment: readonly string[];
  /** Its end of the connection to us. */
  readonly socket: Fd;
  /** Open in criu under the numbers they have here. */
  readonly inherited?: readonly Fd[];
  /** Absent for what restores nothing. */
  readonly container?: RestoredContainer;
};

export type RestoredContainer = {
  readonly cgroups: Pick<CgroupPlacement, "tasksFiles" | "unified">;
  readonly rootfs: string;
  readonly readOnly: boolean;
  readonly mounts: readonly ExternalMount[];
  /** A directory with an empty one in it, {@link staged}. */
  readonly stage: string;
};

/** The directory of a stage on which all is mounted that criu takes from outside. */
export const staged = "mounts";

/** Where criu finds the root of the container: a mount of its own, as it demands. */
export function stagedRoot(stage: string): string {
  return `${stage}/${staged}/root`;
}

/** Where criu finds the n-th of the external mounts. */
export function stagedMount(stage: string, index: number): string {
  return `${stage}/${staged}/${index}`;
}

/**
 * The process that becomes `criu swrk`. For a restore it is in the container's cgroups, and in a mount
 * namespace of its own, so that no mount is left behind whatever happens. It waits for RUN.
 */
export function planCriu(input: CriuInput): PlanBuilder {
  const { program, searchPath, environment, socket, container } = input;
  const plan = new PlanBuilder();
  const kept = [socket, ...(input.inherited ?? [])].map((fd) => plan.inherit(fd));
  plan.add({ op: "findProgram", name: program, path: searchPath });
  if (container !== undefined) {
    const { tasksFiles, unified } = container.cgroups;
    for (const path of tasksFiles) plan.add({ op: "writeFile", path, data: "0" });
    if (unified !== undefined) {
      plan.add({ op: "writeFile", path: `${unified}/cgroup.procs`, data: "0" });
    }
    planStage(plan, container);
  }
  for (const slot of kept) plan.add({ op: "keep", slot });
  plan.add({ op: "ready" });
  plan.add({ op: "exec", argv: ["criu", "swrk", String(socket)], env: environment });
  return plan;
}

/**
 * criu binds what it finds and forgets that a mount was read-only or of other ids: so it finds mounts that
 * are, each as the container had it.
 */
function planStage(
  plan: PlanBuilder,
  { rootfs, readOnly, mounts, stage }: RestoredContainer,
): void {
  const [floor, root] = [plan.slot(), plan.slot()];
  plan.add({ op: "openTree", slot: floor, path: stage, recursive: false });
  plan.add({ op: "openTree", slot: root, path: rootfs, recursive: true });
  const attach = mounts.map(({ prepare }, index) => prepare(plan, `/${staged}/${index}`));
  plan.add(...ownNamespace, { op: "root", slot: floor, path: stage });
  plan.add({
    op: "mountFs",
    type: "tmpfs",
    source: "stage",
    options: ["mode=711"],
    attributes: 0,
    propagation: MS_PRIVATE,
    destination: `/${staged}`,
    links: false,
  });
  plan.add({
    op: "mountTree",
    slot: root,
    destination: `/${staged}/root`,
    set: readOnly ? mountAttributes.readOnly : 0,
    clear: 0,
    reset: 0,
    recursiveSet: 0,
    recursiveClear: 0,
    base: MS_SLAVE,
    propagation: { flag: 0, recursive: false },
  });
  for (const mount of attach) mount(plan);
}

/**
 * Makes what is missing of the mount points, as the making of a container did: in a root file system of
 * the image's they are not part of a checkpoint. Those on file systems of the container's own are.
 */
export function planMountPoints(
  config: Config,
  host: { readonly rootfs: string; readonly bundle: string; readonly input: BindInput },
): PlanBuilder {
  const plan = new PlanBuilder();
  const steps: PlannedMount[] = [];
  const covered: string[] = [];
  const root = plan.slot();
  plan.add({ op: "openTree", slot: root, path: host.rootfs, recursive: true });
  for (const mount of config.mounts ?? []) {
    const path = cleanPath(mount.destination);
    const { remount } = parseMountOptions(mount.options ?? []);
    if (remount || path === "/" || covered.some((above) => path.startsWith(`${above}/`))) continue;
    const bind = boundMount(mount, config, host);
    // Attached, because there may be mount points on it.
    if (bind !== undefined) steps.push(bind.prepare(plan, path));
    else {
      covered.push(path);
      steps.push((child) => child.add({ op: "mkdir", path }));
    }
  }
  plan.add(...ownNamespace, { op: "root", slot: root, path: host.rootfs });
  for (const step of steps) step(plan);
  plan.add({ op: "exit" });
  return plan;
}

const ownNamespace = [
  { op: "unshare", flags: cloneFlags.mount },
  { op: "propagation", path: "/", flag: MS_SLAVE, recursive: true },
] as const;
