// SPDX-License-Identifier: Apache-2.0
/** Handlers with the types of a generated service, made into what a server calls. */
import { decode, encode } from "../protobuf/codec.ts";
import type { Init, MethodType, Schema, ServiceType } from "../protobuf/schema.ts";
import type { Call } from "./call.ts";
import { codes, StatusError } from "./status.ts";

export type UnaryHandler<I, O> = (request: I, call: Call) => Promise<Init<O>>;
export type ServerStreamHandler<I, O> = (request: I, call: Call) => AsyncIterable<Init<O>>;
export type ClientStreamHandler<I, O> = (
  requests: AsyncIterable<I>,
  call: Call,
) => Promise<Init<O>>;
export type StreamHandler<I, O> = (
  requests: AsyncIterable<I>,
  call: Call,
) => AsyncIterable<Init<O>>;

type HandlerOf<M> =
  M extends MethodType<infer I, infer O>
    ? M extends { readonly streams: "both" }
      ? StreamHandler<I, O>
      : M extends { readonly streams: "client" }
        ? ClientStreamHandler<I, O>
        : M extends { readonly streams: "server" }
          ? ServerStreamHandler<I, O>
          : UnaryHandler<I, O>
    : never;

/** One for each method; a method without one is answered with UNIMPLEMENTED. */
export type Handlers<S extends ServiceType> = {
  readonly [M in keyof S["methods"]]?: HandlerOf<S["methods"][M]>;
};

export type Method =
  | {
      readonly streams: undefined;
      readonly run: (payload: Uint8Array, call: Call) => Promise<Uint8Array>;
    }
  | {
      readonly streams: "client";
      readonly run: (messages: AsyncIterable<Uint8Array>, call: Call) => Promise<Uint8Array>;
    }
  | {
      readonly streams: "server" | "both";
      readonly run: (messages: AsyncIterable<Uint8Array>, call: Call) => AsyncIterable<Uint8Array>;
    };

export type Service = { readonly name: string; readonly methods: ReadonlyMap<string, Method> };

export function implement<S extends ServiceType>(type: S, handlers: Handlers<S>): Service {
  const methods = new Map<string, Method>();
  for (const [name, method] of Object.entries(type.methods)) {
    // The handler's type is that of this method.
    const handler = (handlers as Readonly<Record<string, unknown>>)[name];
    if (handler !== undefined) methods.set(name, bind(method, handler));
  }
  return { name: type.typeName, methods };
}

function bind(
  { request, response, streams }: MethodType<object, object>,
  handler: unknown,
): Method {
  // `HandlerOf` has checked each of these where `implement` was called.
  switch (streams) {
    case undefined: {
      const unary = handler as UnaryHandler<object, object>;
      return {
        streams,
        run: async (payload, call) => encode(response, await unary(read(request, payload), call)),
      };
    }
    case "client": {
      const client = handler as ClientStreamHandler<object, object>;
      return {
        streams,
        run: async (messages, call) =>
          encode(response, await client(readAll(request, messages), call)),
      };
    }
    case "server": {
      const server = handler as ServerStreamHandler<object, object>;
      return {
        streams,
        run: async function* (messages, call) {
          const first = await one(request, messages);
          for await (const answer of server(first, call)) yield encode(response, answer);
        },
      };
    }
    case "both": {
      const both = handler as StreamHandler<object, object>;
      return {
        streams,
        run: async function* (messages, call) {
          const answers = both(readAll(request, messages), call);
          for await (const answer of answers) yield encode(response, answer);
        },
      };
    }
    default:
      return streams satisfies never;
  }
}

function read(schema: Schema<object>, payload: Uint8Array): object {
  try {
    return decode(schema, payload);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StatusError(codes.INTERNAL, `ttrpc: error unmarshalling payload: ${reason}`);
  }
}

async function* readAll(
  schema: Schema<object>,
  messages: AsyncIterable<Uint8Array>,
): AsyncGenerator<object, void, void> {
  for await (const message of messages) yield read(schema, message);
}

async function one(schema: Schema<object>, messages: AsyncIterable<Uint8Array>): Promise<object> {
  for await (const message of messages) return read(schema, message);
  throw new StatusError(codes.INVALID_ARGUMENT, "the stream ended without a message");
}
