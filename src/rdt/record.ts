// SPDX-License-Identifier: Apache-2.0
/** What state.json keeps of a container's groups of the resctrl file system. */

export type RdtRecord = {
  /** Where the file system is mounted. */
  readonly root: string;
  /** The directory of the class of service; `root` for the default class. */
  readonly group: string;
  /** The directory of the container's monitoring group. */
  readonly monitoring?: string;
  /** Directories that go with the container, in this order. */
  readonly own: readonly string[];
};

/**
 * The `tasks` files to join, in this order: a monitoring group takes only tasks of its class
 * (__rdtgroup_move_task in fs/resctrl/rdtgroup.c). A 0 stands for the writer, and what it makes is
 * born there.
 */
export function rdtTasksFiles(record: RdtRecord | undefined): string[] {
  if (record === undefined) return [];
  const { group, monitoring } = record;
  return [group, ...(monitoring === undefined ? [] : [monitoring])].map((path) => `${path}/tasks`);
}
