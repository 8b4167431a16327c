// SPDX-License-Identifier: Apache-2.0
/** Made from act.proto by `npm run format`. Change that instead. */

import { type Schema, schema } from "../../protobuf/schema.ts";

export type Act = {
  readonly verb: string;
  readonly id: string;
  readonly bundle: string;
  readonly namespace: string;
  readonly pod: string;
  readonly monitor: number;
  readonly options: Uint8Array;
  readonly descriptors: number;
  readonly environment: readonly string[];
  readonly images: string;
  readonly checkpoint: Uint8Array;
  readonly debug: boolean;
};
export const Act: Schema<Act> = schema("inclavare.shim.Act", {
  verb: [1, "string"],
  id: [2, "string"],
  bundle: [3, "string"],
  namespace: [4, "string"],
  pod: [5, "string"],
  monitor: [6, "uint32"],
  options: [7, "bytes"],
  descriptors: [8, "uint32"],
  environment: [9, "string", "list"],
  images: [10, "string"],
  checkpoint: [11, "bytes"],
  debug: [12, "bool"],
});

export type ActResult = {
  readonly code: string;
  readonly doing: string;
  readonly reason: string;
  readonly hint: string;
};
export const ActResult: Schema<ActResult> = schema("inclavare.shim.ActResult", {
  code: [1, "string"],
  doing: [2, "string"],
  reason: [3, "string"],
  hint: [4, "string"],
});
