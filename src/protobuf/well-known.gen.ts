// SPDX-License-Identifier: Apache-2.0
/** Made from google/protobuf by `npm run format`. Change that instead. */
import { type Schema, schema } from "./schema.ts";

export type Any = { readonly typeUrl: string; readonly value: Uint8Array };
export const Any: Schema<Any> = schema("google.protobuf.Any", {
  typeUrl: [1, "string"],
  value: [2, "bytes"],
});

export type Empty = Readonly<Record<string, never>>;
export const Empty: Schema<Empty> = schema("google.protobuf.Empty", {});

export type Timestamp = { readonly seconds: bigint; readonly nanos: number };
export const Timestamp: Schema<Timestamp> = schema("google.protobuf.Timestamp", {
  seconds: [1, "int64"],
  nanos: [2, "int32"],
});
