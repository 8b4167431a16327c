// SPDX-License-Identifier: Apache-2.0
/** How a call ended: docs/protocol/ttrpc.md, "Messages". */
import type { Any } from "../protobuf/well-known.gen.ts";

export const codes = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/**
 * A status on its way through code: what a handler throws to say it, and what a call throws that was
 * told it. Not a RuneError: it is the protocol's data, and reaches the other side word by word.
 */
export class StatusError extends Error {
  override readonly name = "StatusError";
  /** One of `codes`, or what a peer has made up. */
  readonly code: number;
  readonly details: readonly Any[];

  constructor(code: number, message: string, details: readonly Any[] = []) {
    super(message);
    this.code = code;
    this.details = details;
  }

  /** What a handler threw, as the client is to see it. */
  static from(thrown: unknown): StatusError {
    if (thrown instanceof StatusError) return thrown;
    return new StatusError(
      codes.UNKNOWN,
      thrown instanceof Error ? thrown.message : String(thrown),
    );
  }
}
