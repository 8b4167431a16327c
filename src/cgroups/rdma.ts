// SPDX-License-Identifier: Apache-2.0
/** The rdma controller: the same file in both versions. */
import type { RdmaLimits, Resources } from "../oci/config-resources.ts";
import type { Controller } from "./controller.ts";
import type { LimitFiles } from "./limit-files.ts";

export const rdma: Controller = {
  v1: "rdma",
  v2: "rdma",
  asked: ({ rdma = {} }) => {
    const found = Object.entries(rdma).find(([, limits]) => lineOf(limits) !== "");
    return found === undefined ? undefined : `rdma["${found[0]}"]`;
  },
  setV1: set,
  setV2: set,
};

function set(files: LimitFiles, { rdma = {} }: Resources): void {
  for (const [device, limits] of Object.entries(rdma)) {
    const line = lineOf(limits);
    if (line !== "") files.writeLine("rdma.max", device, line, "hca_handle=max hca_object=max");
  }
}

/** 0 is a limit: none may be had. */
function lineOf({ hcaHandles, hcaObjects }: RdmaLimits): string {
  const handles = hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`];
  return [...handles, ...(hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`])].join(" ");
}
