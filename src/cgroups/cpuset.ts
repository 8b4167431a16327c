// SPDX-License-Identifier: Apache-2.0
/** The cpuset controller: the same two files in both versions. */
import type { Resources } from "../oci/config-resources.ts";
import { type Controller, firstAsked, isSet } from "./controller.ts";
import type { LimitFiles } from "./limit-files.ts";

export const cpuset: Controller = {
  v1: "cpuset",
  v2: "cpuset",

  asked: ({ cpu = {} }) =>
    firstAsked("cpu", [
      ["cpus", cpu.cpus],
      ["mems", cpu.mems],
    ]),

  setV1: set,
  setV2: set,
};

function set(files: LimitFiles, { cpu: { cpus, mems } = {} }: Resources): void {
  if (isSet(cpus)) files.write("cpuset.cpus", cpus);
  if (isSet(mems)) files.write("cpuset.mems", mems);
}
