// SPDX-License-Identifier: Apache-2.0
/** Made from events-service.proto by `npm run format`. Change that instead. */

import { type Schema, type ServiceType, schema } from "../../protobuf/schema.ts";
import { Empty } from "../../protobuf/well-known.gen.ts";
import { Envelope } from "./types.gen.ts";

export type ForwardRequest = { readonly envelope: Envelope | undefined };
export const ForwardRequest: Schema<ForwardRequest> = schema(
  "containerd.services.events.ttrpc.v1.ForwardRequest",
  { envelope: [1, Envelope] },
);

export const Events = {
  typeName: "containerd.services.events.ttrpc.v1.Events",
  methods: { Forward: { request: ForwardRequest, response: Empty } },
} as const satisfies ServiceType;
