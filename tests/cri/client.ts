// SPDX-License-Identifier: Apache-2.0
/** What a kubelet is to a container engine: a client of the container runtime interface, over gRPC. */
import { Client, credentials } from "@grpc/grpc-js";
import { decode, encode } from "../../src/protobuf/codec.ts";
import type { Init, MethodType, ServiceType } from "../../src/protobuf/schema.ts";

type RequestOf<M> = M extends MethodType<infer I, object> ? I : never;
type ResponseOf<M> = M extends MethodType<object, infer O> ? O : never;

/** Far beyond what anything takes on a loaded machine. */
const patienceMs = 100_000;

export class CriClient {
  readonly #client: Client;

  /** @param socket containerd's own */
  constructor(socket: string) {
    // Without the option the engine's address would be taken for a name to look up.
    const options = { "grpc.default_authority": "localhost" };
    this.#client = new Client(`unix:${socket}`, credentials.createInsecure(), options);
  }

  /** Throws a grpc-js ServiceError with what the engine says in `details`. */
  call<S extends ServiceType, M extends keyof S["methods"] & string>(
    service: S,
    method: M,
    request: Init<RequestOf<S["methods"][M]>>,
  ): Promise<ResponseOf<S["methods"][M]>> {
    const type = service.methods[method];
    if (type === undefined) throw new Error(`${service.typeName} has no ${method}`);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        `/${service.typeName}/${method}`,
        (value: object) => Buffer.from(encode(type.request, value)),
        (bytes: Buffer) => decode(type.response, bytes),
        request as object, // of this method, as its type says
        { deadline: Date.now() + patienceMs },
        (error, answer) => {
          // What has been decoded with the method's own table.
          if (error === null) resolve(answer as ResponseOf<S["methods"][M]>);
          else reject(error);
        },
      );
    });
  }

  close(): void {
    this.#client.close();
  }
}

/**
 * What the engine says when it refuses. Not `expect().rejects`: it waits without letting the connection
 * go on, for ever.
 */
export async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    return `done: ${JSON.stringify(await call)}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
