// SPDX-License-Identifier: Apache-2.0
/** The service's socket: frames in, frames out. */
import { encodeFrame, frameReader } from "./frame.ts";
import {
  CONNECTION_LIMITS,
  type ConnectionLimits,
  type Listener,
  listenForRequests,
} from "./one-request.ts";

export type { Listener } from "./one-request.ts";

export type ListenerLimits = ConnectionLimits & { readonly requestBytes: number };

/** docs/protocol/aesm.md gives the same figures. */
export const DEFAULT_LIMITS: ListenerLimits = { ...CONNECTION_LIMITS, requestBytes: 65_536 };

export type ListenOptions = {
  /** A path, `@name` for the abstract namespace, or the descriptor of a socket that listens already. */
  readonly socket: string | number;
  /** A request's message in, the reply's out. What it throws ends the connection without a reply. */
  readonly answer: (message: Uint8Array) => Promise<Uint8Array>;
  readonly limits?: Partial<ListenerLimits>;
  /** The socket's mode: whoever may write to it may ask. Intel's is open to all. */
  readonly mode?: number;
  /** Told of each connection that was ended to make room for another. */
  readonly onCrowdedOut?: () => void;
};

export function listen({ answer, ...options }: ListenOptions): Promise<Listener> {
  const { requestBytes } = { ...DEFAULT_LIMITS, ...options.limits };
  return listenForRequests({
    ...options,
    reader: () => frameReader(requestBytes, "AESM request"),
    answer: async (message) => encodeFrame(await answer(message)),
  });
}
