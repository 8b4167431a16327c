// SPDX-License-Identifier: Apache-2.0
/** The pids controller: the same file in both versions. */
import type { Resources } from "../oci/config-resources.ts";
import type { Controller } from "./controller.ts";
import type { LimitFiles } from "./limit-files.ts";

export const pids: Controller = {
  v1: "pids",
  v2: "pids",
  asked: ({ pids }) => (pids?.limit === undefined ? undefined : "pids.limit"),
  setV1: set,
  setV2: set,
};

/**
 * Absent: untouched; negative: no limit. 0 is a limit since version 1.3.0 of the specification and runc
 * 1.4; both write 1 for it, which is the same to the kernel (the first process is no fork) and to systemd.
 */
function set(files: LimitFiles, { pids: { limit } = {} }: Resources): void {
  if (limit === undefined) return;
  files.write("pids.max", limit < 0n ? "max" : String(limit === 0n ? 1n : limit));
}
