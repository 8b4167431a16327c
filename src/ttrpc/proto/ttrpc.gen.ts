// SPDX-License-Identifier: Apache-2.0
/** Made from ttrpc.proto by `npm run format`. Change that instead. */

import { type Schema, schema } from "../../protobuf/schema.ts";
import { Any } from "../../protobuf/well-known.gen.ts";

export type KeyValue = { readonly key: string; readonly value: string };
export const KeyValue: Schema<KeyValue> = schema("ttrpc.KeyValue", {
  key: [1, "string"],
  value: [2, "string"],
});

export type Request = {
  readonly service: string;
  readonly method: string;
  readonly payload: Uint8Array;
  readonly timeoutNano: bigint;
  readonly metadata: readonly KeyValue[];
};
export const Request: Schema<Request> = schema("ttrpc.Request", {
  service: [1, "string"],
  method: [2, "string"],
  payload: [3, "bytes"],
  timeoutNano: [4, "int64"],
  metadata: [5, KeyValue, "list"],
});

export type Status = {
  readonly code: number;
  readonly message: string;
  readonly details: readonly Any[];
};
export const Status: Schema<Status> = schema("ttrpc.Status", {
  code: [1, "int32"],
  message: [2, "string"],
  details: [3, Any, "list"],
});

export type Response = { readonly status: Status | undefined; readonly payload: Uint8Array };
export const Response: Schema<Response> = schema("ttrpc.Response", {
  status: [1, Status],
  payload: [2, "bytes"],
});
