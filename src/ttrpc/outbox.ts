// SPDX-License-Identifier: Apache-2.0
/** What a connection has yet to send. */

/** As much of Bun's socket as is needed here. */
export type Sink = {
  /** How many bytes were taken; the rest has to wait for `drain`. Negative: the connection is gone. */
  write(bytes: Uint8Array): number;
};

/** Answers of one turn of the event loop leave in system calls of about this size. */
const batchBytes = 64 << 10;

export class Outbox {
  readonly #sink: Sink;
  #queue: Uint8Array[] = [];
  #scheduled = false;
  #blocked = false;
  #waitingBytes = 0;
  readonly #onEmptied: () => void;
  #waiting: (() => void)[] = [];

  constructor(sink: Sink, onEmptied: () => void = () => {}) {
    this.#sink = sink;
    this.#onEmptied = onEmptied;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  send(frame: Uint8Array): void {
    this.#queue.push(frame);
    this.#waitingBytes += frame.length;
    if (this.#scheduled || this.#blocked) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Sends what the socket takes; to be called also when it has drained. */
  flush(): void {
    this.#blocked = false;
    while (this.#queue.length > 0) {
      const bytes = this.#batch();
      const taken = this.#sink.write(bytes);
      if (taken < 0) {
        this.clear();
        return;
      }
      this.#waitingBytes -= taken;
      if (taken < bytes.length) {
        this.#queue[0] = bytes.subarray(taken);
        this.#blocked = true;
        return;
      }
      this.#queue.shift();
    }
    this.#tellEmptied();
  }

  /** Drops all: the connection has ended. */
  clear(): void {
    this.#queue = [];
    this.#waitingBytes = 0;
    this.#tellEmptied();
  }

  /** Resolves once nothing waits. */
  emptied(): Promise<void> {
    if (this.#queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #tellEmptied(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
    this.#onEmptied();
  }

  /** Makes one piece of the first few, and puts it in their place. */
  #batch(): Uint8Array {
    const [first] = this.#queue;
    if (first === undefined) throw new RangeError("the queue is empty");
    let count = 0;
    let bytes = 0;
    for (const frame of this.#queue) {
      if (count > 0 && bytes + frame.length > batchBytes) break;
      bytes += frame.length;
      count++;
    }
    if (count === 1) return first;
    const whole = new Uint8Array(bytes);
    let at = 0;
    for (const frame of this.#queue.splice(0, count)) {
      whole.set(frame, at);
      at += frame.length;
    }
    this.#queue.unshift(whole);
    return whole;
  }
}
