// SPDX-License-Identifier: Apache-2.0
/** A program on a terminal of its own, and somebody who reads and types. */
import { eventually } from "../command.ts";

export type Size = { readonly rows: number; readonly cols: number };

export class TerminalSession {
  readonly #child: Bun.Subprocess;
  readonly #ended = Promise.withResolvers<void>();
  #shown = "";

  constructor(
    argv: readonly string[],
    env: Readonly<Record<string, string>>,
    size: Size = { rows: 24, cols: 80 },
  ) {
    const decoder = new TextDecoder();
    // Given like this, and not as an object made before, it is the program's controlling terminal,
    // and ends when the program has closed it.
    const terminal: Bun.TerminalOptions = {
      ...size,
      data: (_, data) => {
        this.#shown += decoder.decode(data, { stream: true });
      },
      exit: () => this.#ended.resolve(),
    };
    this.#child = Bun.spawn([...argv], { terminal, env: { ...env } });
  }

  /** All that the terminal has shown. */
  get shown(): string {
    return this.#shown;
  }

  async shows(text: string): Promise<void> {
    try {
      await eventually(`the terminal shows ${JSON.stringify(text)}`, () =>
        this.#shown.includes(text),
      );
    } catch (error) {
      throw new Error(`it shows ${JSON.stringify(this.#shown)}`, { cause: error });
    }
  }

  type(keys: string): void {
    this.#child.terminal?.write(keys);
  }

  resize({ rows, cols }: Size): void {
    this.#child.terminal?.resize(cols, rows);
  }

  /** Waits for the program, and until all that it wrote is shown. */
  async exited(): Promise<number> {
    const status = await this.#child.exited;
    await this.#ended.promise;
    return status;
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
    this.#child.terminal?.close();
  }
}
