// SPDX-License-Identifier: Apache-2.0
/**
 * What happens to tasks, told to containerd one after the other. An event that it does not take, because it
 * is being restarted, is told again until it does.
 */
import { encode } from "../protobuf/codec.ts";
import type { Init, Schema } from "../protobuf/schema.ts";
import { Any } from "../protobuf/well-known.gen.ts";
import { type Client, connect } from "../ttrpc/client.ts";
import { codes, StatusError } from "../ttrpc/status.ts";
import { Events } from "./proto/events-service.gen.ts";
import { timestamp } from "./timestamp.ts";

export type Publisher = {
  readonly publish: <T extends object>(topic: string, schema: Schema<T>, event: Init<T>) => void;
  /** Resolves when all have been told, or the time is up. */
  readonly drained: (patienceMs: number) => Promise<void>;
};

export type PublisherInput = {
  /** containerd's socket for events; empty: there is none, and `binary` is called. */
  readonly address: string;
  readonly namespace: string;
  /** containerd's own program, which `publish`es one event. */
  readonly binary: string;
  readonly containerd: string;
  readonly warn: (message: string) => void;
};

const callPatienceMs = 5000;
const firstPauseMs = 50;
const longestPauseMs = 2000;
/** Beyond these the oldest go: whoever is away for so long asks for states. */
const maxWaiting = 20_000;

type Waiting = {
  readonly topic: string;
  readonly type: string;
  readonly value: Uint8Array;
  readonly at: bigint;
};

export function createPublisher(input: PublisherInput): Publisher {
  return new EventQueue(input);
}

class EventQueue implements Publisher {
  readonly #input: PublisherInput;
  readonly #waiting: Waiting[] = [];
  #client: Client | undefined;
  #telling: Promise<void> | undefined;

  constructor(input: PublisherInput) {
    this.#input = input;
  }

  publish<T extends object>(topic: string, schema: Schema<T>, event: Init<T>): void {
    const at = BigInt(Date.now()) * 1_000_000n;
    this.#waiting.push({ topic, type: schema.typeName, value: encode(schema, event), at });
    if (this.#waiting.length > maxWaiting) this.#waiting.splice(0, 1);
    this.#telling ??= this.#tell().finally(() => {
      this.#telling = undefined;
    });
  }

  async drained(patienceMs: number): Promise<void> {
    if (this.#telling !== undefined) await Promise.race([this.#telling, Bun.sleep(patienceMs)]);
  }

  async #tell(): Promise<void> {
    let pauseMs = firstPauseMs;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      try {
        await this.#forward(next);
        if (this.#waiting[0] === next) this.#waiting.shift();
        pauseMs = firstPauseMs;
      } catch (error) {
        // It would not be taken the next time either, and those behind it never come to their turn.
        if (error instanceof StatusError && error.code === codes.INVALID_ARGUMENT) {
          this.#input.warn(`event \`${next.topic}\` is dropped: ${error}`);
          if (this.#waiting[0] === next) this.#waiting.shift();
          continue;
        }
        if (pauseMs === firstPauseMs) this.#input.warn(`event \`${next.topic}\`: ${error}`);
        this.#client?.close();
        this.#client = undefined;
        await Bun.sleep(pauseMs);
        pauseMs = Math.min(2 * pauseMs, longestPauseMs);
      }
    }
  }

  async #forward({ topic, type, value, at }: Waiting): Promise<void> {
    const event = { typeUrl: type, value };
    const { address, namespace } = this.#input;
    if (address === "") return await this.#publishByBinary(topic, event);
    this.#client ??= await connect(address);
    const envelope = { timestamp: timestamp(at), namespace, topic, event };
    await this.#client.call(Events, "Forward", { envelope }, { timeoutMs: callPatienceMs });
  }

  async #publishByBinary(topic: string, event: { typeUrl: string; value: Uint8Array }) {
    const { binary, containerd, namespace } = this.#input;
    if (binary === "") return;
    const child = Bun.spawn(
      [binary, "--address", containerd, "publish", "--topic", topic, "--namespace", namespace],
      { stdin: encode(Any, event), stdout: "ignore", stderr: "ignore", env: {} },
    );
    const status = await child.exited;
    if (status !== 0) throw new Error(`\`${binary} publish\` ended with ${status}`);
  }
}
