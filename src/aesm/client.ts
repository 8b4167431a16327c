// SPDX-License-Identifier: Apache-2.0
/** A request, its reply of the same kind, and nothing else. */
import { decodeResponse, encodeRequest } from "./codec.ts";
import { AESM, aesmRefusal, protocolError } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import {
  type AnyRequest,
  type AnyResponse,
  type RequestName,
  type RequestOf,
  type ResponseOf,
  requests,
} from "./schema.ts";

/** A request as callers write it: the client adds the time-out. */
export type RequestValue<N extends RequestName> = Omit<RequestOf<N>, "timeout">;

export type AesmClient = {
  /** Throws AESM_REFUSED for an error number, AESM_PROTOCOL for what is no reply to this. */
  readonly ask: <N extends RequestName>(name: N, value: RequestValue<N>) => Promise<ResponseOf<N>>;
};

export type AesmClientOptions = {
  readonly exchange: Exchange;
  /** What the service is told it may take. */
  readonly timeoutMs: number;
};

export function aesmClient({ exchange, timeoutMs }: AesmClientOptions): AesmClient {
  // Intel's own clients pass microseconds.
  const timeout = Math.min(timeoutMs * 1000, 0xffff_ffff);
  return {
    ask: async <N extends RequestName>(name: N, value: RequestValue<N>) => {
      const doing = `ask AESM: request \`${requests[name].no} ${name}\``;
      // Name and value belong together by this function's own signature.
      const request = { name, value: { ...value, timeout } } as unknown as AnyRequest;
      const reply = decodeResponse(await exchange(encodeRequest(request)));
      return matching(reply, name, doing);
    },
  };
}

/** The reply's value. Of a refused request nothing but the number counts. */
function matching<N extends RequestName>(
  reply: AnyResponse,
  name: N,
  doing: string,
): ResponseOf<N> {
  if (reply.name === "unsupportedRequest") {
    throw aesmRefusal(
      reply.value.errorCode === AESM.success ? AESM.serviceUnavailable : reply.value.errorCode,
      doing,
      "the service does not know this request: it is too old, or lacks the plug-in",
    );
  }
  if (reply.name !== name) throw protocolError(doing, `the reply is one to \`${reply.name}\``);
  if (reply.value.errorCode !== AESM.success) throw aesmRefusal(reply.value.errorCode, doing);
  // The name has just been compared.
  return reply.value as unknown as ResponseOf<N>;
}
