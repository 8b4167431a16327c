// SPDX-License-Identifier: Apache-2.0
/** Huge pages: a limit on use and, where the kernel has it (5.7), one on reservation, for each size. */
import type { Resources } from "../oci/config-resources.ts";
import type { Controller } from "./controller.ts";
import type { LimitFiles } from "./limit-files.ts";

export const hugetlb: Controller = {
  v1: "hugetlb",
  v2: "hugetlb",

  /** The kubelet sends 0 for each size of the node to every container that wants none. */
  asked: ({ hugepageLimits = [] }) => {
    const index = hugepageLimits.findIndex(({ limit }) => limit !== 0n);
    return index < 0 ? undefined : `hugepageLimits[${index}]`;
  },

  setV1: (files, resources) => set(files, resources, "limit_in_bytes"),
  setV2: (files, resources) => set(files, resources, "max"),
};

function set(files: LimitFiles, { hugepageLimits = [] }: Resources, suffix: string): void {
  for (const { pageSize, limit } of hugepageLimits) {
    const [use, reservation] = ["", ".rsvd"].map((kind) => `hugetlb.${pageSize}${kind}.${suffix}`);
    if (use === undefined || reservation === undefined) continue;
    // None of a size that the kernel has not got, or does not count, is nothing to enforce.
    if (limit === 0n && files.read(use) === undefined) continue;
    files.write(use, String(limit));
    // Without it a program could reserve what it may not use, and die of SIGBUS when it touches it.
    if (files.read(reservation) !== undefined) files.write(reservation, String(limit));
  }
}
