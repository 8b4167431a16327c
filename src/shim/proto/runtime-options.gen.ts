// SPDX-License-Identifier: Apache-2.0
/** Made from runtime-options.proto by `npm run format`. Change that instead. */

import { type Schema, schema } from "../../protobuf/schema.ts";

export type Options = {
  readonly typeUrl: string;
  readonly configPath: string;
  readonly configBody: Uint8Array;
};
export const Options: Schema<Options> = schema("runtimeoptions.v1.Options", {
  typeUrl: [1, "string"],
  configPath: [2, "string"],
  configBody: [3, "bytes"],
});
