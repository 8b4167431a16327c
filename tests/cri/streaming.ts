// SPDX-License-Identifier: Apache-2.0
/** The streams of exec, attach and port forward, as a kubelet's clients have them over WebSocket. */
import { join } from "node:path";
import { eventually } from "../support/command.ts";
import type { CriEngine } from "./engine.ts";
import {
  type AttachRequest,
  type ExecRequest,
  type PortForwardRequest,
  RuntimeService,
} from "./proto/cri.gen.ts";

/** Of remote commands, in the protocol v4.channel.k8s.io. */
export const channels = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4 } as const;

export class Streams {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #received = new Map<number, string>();
  #isOpen = false;
  #isClosed = false;

  private constructor(engine: CriEngine, url: string) {
    const program = [process.execPath, join(import.meta.dir, "stream.ts"), url];
    this.#child = Bun.spawn(engine.host.inside(...program), {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    void this.#listen();
  }

  static exec(engine: CriEngine, request: Partial<ExecRequest>): Promise<Streams> {
    return Streams.#open(engine, engine.client.call(RuntimeService, "Exec", request));
  }

  static attach(engine: CriEngine, request: Partial<AttachRequest>): Promise<Streams> {
    return Streams.#open(engine, engine.client.call(RuntimeService, "Attach", request));
  }

  /** Channels 2n and 2n+1 are the data and the errors of the nth port; each first says its port. */
  static forward(engine: CriEngine, request: PortForwardRequest): Promise<Streams> {
    return Streams.#open(engine, engine.client.call(RuntimeService, "PortForward", request));
  }

  static async #open(engine: CriEngine, asked: Promise<{ url: string }>): Promise<Streams> {
    const streams = new Streams(engine, (await asked).url);
    await eventually("the streams are open", () => streams.#isOpen);
    return streams;
  }

  send(channel: number, text: string): void {
    this.#child.stdin.write(`${channel} ${Buffer.from(text).toString("base64")}\n`);
    this.#child.stdin.flush();
  }

  /** All that came, a character a byte. */
  received(channel: number): string {
    return this.#received.get(channel) ?? "";
  }

  receives(channel: number, text: string): Promise<boolean> {
    return eventually(`channel ${channel} has ${JSON.stringify(text)}`, () =>
      this.received(channel).includes(text),
    );
  }

  closed(): Promise<boolean> {
    return eventually("the streams are closed", () => this.#isClosed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  async #listen(): Promise<void> {
    let rest = "";
    for await (const chunk of this.#child.stdout) {
      const lines = (rest + new TextDecoder().decode(chunk)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(line);
    }
  }

  #take(line: string): void {
    if (line === "open") this.#isOpen = true;
    else if (line === "closed") this.#isClosed = true;
    else {
      const [channel, text = ""] = line.split(" ");
      const bytes = Buffer.from(text, "base64").toString("latin1");
      this.#received.set(Number(channel), this.received(Number(channel)) + bytes);
    }
  }
}
