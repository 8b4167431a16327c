// SPDX-License-Identifier: Apache-2.0
/** Made from runtime-info.proto by `npm run format`. Change that instead. */

import { type Schema, schema } from "../../protobuf/schema.ts";
import { Any } from "../../protobuf/well-known.gen.ts";

export type RuntimeVersion = { readonly version: string; readonly revision: string };
export const RuntimeVersion: Schema<RuntimeVersion> = schema("containerd.types.RuntimeVersion", {
  version: [1, "string"],
  revision: [2, "string"],
});

export type RuntimeInfo = {
  readonly name: string;
  readonly version: RuntimeVersion | undefined;
  readonly options: Any | undefined;
  readonly features: Any | undefined;
  readonly annotations: ReadonlyMap<string, string>;
};
export const RuntimeInfo: Schema<RuntimeInfo> = schema("containerd.types.RuntimeInfo", {
  name: [1, "string"],
  version: [2, RuntimeVersion],
  options: [3, Any],
  features: [4, Any],
  annotations: [5, "string", "map"],
});
