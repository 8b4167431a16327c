// SPDX-License-Identifier: Apache-2.0
/** For tests: a cgroup with some files, and what limits write to it. */
import { RecordingKernel } from "../kernel/recording.ts";
import type { Resources } from "../oci/config-resources.ts";
import type { CgroupDirectory } from "./cgroup.ts";
import { applyLimits, changeLimits, limitProcesses } from "./limits.ts";

export type Files = Readonly<Record<string, string>>;

/** A directory of version 1 with all controllers, or of version 2. */
export function directoryOf(version: 1 | 2): CgroupDirectory {
  const names = "memory cpu cpuset pids blkio hugetlb net_cls net_prio rdma".split(" ");
  return { version, controllers: version === 1 ? names : [], path: `/v${version}/web` };
}

/** A host with one cgroup that has these files. */
export function hostWith(version: 1 | 2, files: Files): RecordingKernel {
  const kernel = new RecordingKernel().cgroupMount(`/v${version}`, { ...files });
  kernel.mkdir(directoryOf(version).path, 0o755);
  return kernel;
}

/** "file value" of every write while `act` runs, without those for devices. */
export function writesOf(kernel: RecordingKernel, act: () => void): string[] {
  const writes: string[] = [];
  kernel.reactions.write = (fd, bytes) => {
    const file = kernel.nameOf(fd).split("/").at(-1);
    writes.push(`${file} ${new TextDecoder().decode(bytes)}`);
  };
  act();
  return writes;
}

/** What the limits of a new container write, where the files exist and hold these values. */
export function applied(version: 1 | 2, resources: Resources, files: Files): string[] {
  const kernel = hostWith(version, files);
  return writesOf(kernel, () => {
    applyLimits(kernel, [directoryOf(version)], resources);
    limitProcesses(kernel, [directoryOf(version)], resources);
  });
}

/** What an update writes. */
export function changed(version: 1 | 2, resources: Resources, files: Files): string[] {
  const kernel = hostWith(version, files);
  return writesOf(kernel, () => changeLimits(kernel, [directoryOf(version)], resources));
}

/** Files that exist and are empty. */
export function empty(...names: readonly string[]): Files {
  return Object.fromEntries(names.map((name) => [name, ""]));
}
