// SPDX-License-Identifier: Apache-2.0
/** One call as its handler sees it. */
import type { KeyValue } from "./proto/ttrpc.gen.ts";
import { codes, StatusError } from "./status.ts";

export type Call = {
  /**
   * Aborted when the connection has ended or the deadline has passed; its reason is the StatusError that
   * a handler which gives up should throw.
   */
  readonly signal: AbortSignal;
  /** What the client sent along; a key may come several times. */
  readonly metadata: readonly KeyValue[];
};

/** setTimeout takes no more. */
const maxTimeoutMs = 2 ** 31 - 1;

export class RunningCall implements Call {
  readonly metadata: readonly KeyValue[];
  #controller: AbortController | undefined;
  #reason: StatusError | undefined;
  #timer: Timer | undefined;

  constructor(metadata: readonly KeyValue[], timeoutNano: bigint) {
    this.metadata = metadata;
    if (timeoutNano === 0n) return;
    const late = () => this.cancel(new StatusError(codes.DEADLINE_EXCEEDED, "deadline exceeded"));
    if (timeoutNano < 0n) late();
    else
      this.#timer = setTimeout(late, Math.min(Number(timeoutNano / 1_000_000n) + 1, maxTimeoutMs));
  }

  /** Made when somebody asks: most handlers do not, and it costs as much as the rest of a call. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  cancel(reason: StatusError): void {
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason);
    this.finish();
  }

  finish(): void {
    clearTimeout(this.#timer);
  }
}
