// SPDX-License-Identifier: Apache-2.0
/** Made from task-types.proto by `npm run format`. Change that instead. */

import { type Schema, schema } from "../../protobuf/schema.ts";
import { Any } from "../../protobuf/well-known.gen.ts";

export const Status = {
  UNKNOWN: 0,
  CREATED: 1,
  RUNNING: 2,
  STOPPED: 3,
  PAUSED: 4,
  PAUSING: 5,
} as const;

export type ProcessInfo = { readonly pid: number; readonly info: Any | undefined };
export const ProcessInfo: Schema<ProcessInfo> = schema("containerd.v1.types.ProcessInfo", {
  pid: [1, "uint32"],
  info: [2, Any],
});
