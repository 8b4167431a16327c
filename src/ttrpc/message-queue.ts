// SPDX-License-Identifier: Apache-2.0
/** Messages of one stream between the connection that reads them and the one who wants them. */

export class MessageQueue implements AsyncIterable<Uint8Array> {
  #messages: Uint8Array[] = [];
  #end: { readonly error?: unknown } | undefined;
  #wake = () => {};
  readonly #taken: () => void;

  /** `taken` is called when there is room again. */
  constructor(taken: () => void = () => {}) {
    this.#taken = taken;
  }

  get length(): number {
    return this.#messages.length;
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  push(message: Uint8Array): void {
    if (this.#end !== undefined) return;
    this.#messages.push(message);
    this.#wake();
  }

  /** No more will come; those that have are still handed out, and then the error, where there is one. */
  end(error?: unknown): void {
    this.#end ??= error === undefined ? {} : { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) {
        this.#taken();
        yield message;
      } else if (this.#end !== undefined) {
        if ("error" in this.#end) throw this.#end.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
