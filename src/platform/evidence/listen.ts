// SPDX-License-Identifier: Apache-2.0
/** HTTP on a Unix socket: whoever reaches the platform's folder may read its collateral. */
import { type ConnectionLimits, type Listener, listenForRequests } from "../../aesm/one-request.ts";
import type { Evidence } from "./evidence.ts";
import { encodeResponse, httpReader } from "./http-request.ts";

/** Beside the platform's other sockets. */
export function evidenceSocket({ runtime }: { readonly runtime: string }): string {
  return `${runtime}/evidence.sock`;
}

type Told = {
  readonly limits?: Partial<ConnectionLimits>;
  readonly onReply?: (status: number) => void;
  readonly onFault?: (error: unknown) => void;
  readonly onCrowdedOut?: () => void;
};

/** The evidence, for everybody who reaches the socket. */
export function listenEvidence({
  evidence,
  ...options
}: Told & { readonly socket: string; readonly evidence: Evidence }): Promise<Listener> {
  return listenHttp({ ...options, mode: 0o666, answer: evidence.http });
}

/**
 * Listens at `socket`. `onFault` is told of what clients only see as 500, `onReply` of every status.
 */
export function listenHttp(
  options: Told & {
    readonly socket: string;
    readonly mode: number;
    readonly answer: (request: Request) => Promise<Response>;
  },
): Promise<Listener> {
  const { answer, onReply = () => {}, onFault = () => {}, ...rest } = options;
  const respond = async (request: Request): Promise<Response> => {
    try {
      return await answer(request);
    } catch (error) {
      onFault(error);
      return new Response(null, { status: 500 });
    }
  };
  return listenForRequests({
    ...rest,
    reader: httpReader,
    answer: async (received) => {
      const response =
        received instanceof Request
          ? await respond(received)
          : new Response(null, { status: received.status });
      onReply(response.status);
      return encodeResponse(response, received instanceof Request ? received.method : "GET");
    },
  });
}
