// SPDX-License-Identifier: Apache-2.0
/** Made from types.proto by `npm run format`. Change that instead. */

import { type Schema, schema } from "../../protobuf/schema.ts";
import { Any, Timestamp } from "../../protobuf/well-known.gen.ts";

export type Mount = {
  readonly type: string;
  readonly source: string;
  readonly target: string;
  readonly options: readonly string[];
};
export const Mount: Schema<Mount> = schema("containerd.types.Mount", {
  type: [1, "string"],
  source: [2, "string"],
  target: [3, "string"],
  options: [4, "string", "list"],
});

export type Envelope = {
  readonly timestamp: Timestamp | undefined;
  readonly namespace: string;
  readonly topic: string;
  readonly event: Any | undefined;
};
export const Envelope: Schema<Envelope> = schema("containerd.types.Envelope", {
  timestamp: [1, Timestamp],
  namespace: [2, "string"],
  topic: [3, "string"],
  event: [4, Any],
});
