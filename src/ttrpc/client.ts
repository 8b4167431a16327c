// SPDX-License-Identifier: Apache-2.0
/** A ttrpc client over a unix socket: docs/protocol/ttrpc.md, "The client". */
import { RuneError } from "../errors/error.ts";
import { decode, encode } from "../protobuf/codec.ts";
import type { Init, MethodType, ServiceType } from "../protobuf/schema.ts";
import { socketPath } from "./address.ts";
import { type CallOptions, ClientConnection, type ClientStream } from "./client-connection.ts";
import { codes, StatusError } from "./status.ts";

export type { CallOptions } from "./client-connection.ts";

type RequestOf<M> = M extends MethodType<infer I, object> ? I : never;
type ResponseOf<M> = M extends MethodType<object, infer O> ? O : never;

/** Messages out and in of a call with streams. */
export type Stream<I, O> = AsyncIterable<O> & {
  readonly send: (message: Init<I>) => Promise<void>;
  /** Nothing more will be sent. */
  readonly end: () => void;
};

export type Client = {
  /** Throws a StatusError that the other side has said, or what went wrong in between. */
  readonly call: <S extends ServiceType, M extends keyof S["methods"] & string>(
    service: S,
    method: M,
    request: Init<RequestOf<S["methods"][M]>>,
    options?: CallOptions,
  ) => Promise<ResponseOf<S["methods"][M]>>;
  /** A call of a method with streams. With `request` that is the first message, and the only one of a method whose client sends one. */
  readonly stream: <S extends ServiceType, M extends keyof S["methods"] & string>(
    service: S,
    method: M,
    request?: Init<RequestOf<S["methods"][M]>>,
    options?: CallOptions,
  ) => Stream<RequestOf<S["methods"][M]>, ResponseOf<S["methods"][M]>>;
  readonly callsInFlight: () => number;
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>;
  readonly close: () => void;
};

type Data = { connection: ClientConnection | undefined };

/** Throws TTRPC where nobody listens. */
export async function connect(address: string): Promise<Client> {
  const path = socketPath(address);
  const closed = Promise.withResolvers<void>();
  let socket: Bun.Socket<Data>;
  try {
    socket = await Bun.connect<Data>({
      unix: path,
      data: { connection: undefined },
      socket: {
        open: (opened) => {
          opened.data = { connection: new ClientConnection(opened) };
        },
        data: (opened, chunk) => opened.data.connection?.push(chunk),
        drain: (opened) => opened.data.connection?.drained(),
        close: (opened) => {
          opened.data.connection?.ended();
          closed.resolve();
        },
        error: (opened) => opened.terminate(),
      },
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RuneError({ code: "TTRPC", doing: `connect to \`${path}\``, reason, cause });
  }
  const { connection } = socket.data;
  if (connection === undefined) throw new Error("a socket was handed out before it was open");
  return {
    call: async (service, method, request, options) => {
      const type = methodOf(service, method);
      const payload = encode(type.request, request as Init<object>); // of the method's own type
      const answer = await connection.call(service.typeName, method, payload, options);
      return decode(type.response, answer) as never; // the method's own type
    },
    stream: (service, method, request, options) => {
      const type = methodOf(service, method);
      const payload = request === undefined ? undefined : encode(type.request, request as object);
      const isOpen = type.streams === "client" || type.streams === "both";
      const stream = connection.stream(service.typeName, method, payload, isOpen, options);
      return typed(type, stream) as never; // the method's own types
    },
    callsInFlight: () => connection.inFlight,
    closed: closed.promise,
    close: () => socket.end(),
  };
}

function methodOf(service: ServiceType, name: string): MethodType<object, object> {
  const method = service.methods[name];
  if (method === undefined) throw new StatusError(codes.UNIMPLEMENTED, `method ${name}`);
  return method;
}

function typed(
  { request, response }: MethodType<object, object>,
  stream: ClientStream,
): Stream<object, object> {
  return {
    send: (message) => stream.send(encode(request, message)),
    end: () => stream.end(),
    async *[Symbol.asyncIterator]() {
      for await (const message of stream.messages) yield decode(response, message);
    },
  };
}
