// SPDX-License-Identifier: Apache-2.0
/** A server's side of one connection: docs/protocol/ttrpc.md, "The server". */
import { decode, encode } from "../protobuf/codec.ts";
import type { Budget } from "./budget.ts";
import { RunningCall } from "./call.ts";
import { encodeFrame, type Frame, FrameReader, flags, frameTypes, maxDataBytes } from "./frame.ts";
import { MessageQueue } from "./message-queue.ts";
import { Outbox, type Sink } from "./outbox.ts";
import { Request, Response } from "./proto/ttrpc.gen.ts";
import type { Method, Service } from "./service.ts";
import { codes, StatusError } from "./status.ts";

/** With more than this waiting for the peer, nothing is read from it. */
const highWaterBytes = 1 << 20;
/** With more than this, it has a peer that sends and never reads. */
const maxWaitingBytes = 64 << 20;
/** So many messages a stream's handler may lag behind. */
const maxLag = 64;
const lagMs = 1000;

export type Socket = Sink & {
  pause(): void;
  resume(): void;
  /** Ends the connection at once. */
  terminate(): void;
};

export type ConnectionOptions = {
  readonly socket: Socket;
  readonly services: ReadonlyMap<string, Service>;
  readonly budget: Budget;
  readonly warn: (message: string) => void;
};

type Running = {
  readonly call: RunningCall;
  readonly bytes: number;
  /** Of a method with streams. */
  readonly messages: MessageQueue | undefined;
};

export class ServerConnection {
  readonly #options: ConnectionOptions;
  readonly #reader = new FrameReader((frame) => this.#receive(frame));
  readonly #outbox: Outbox;
  readonly #running = new Map<number, Running>();
  readonly #lagging = new Map<number, Timer>();
  #lastId = 0;
  #paused = false;
  #ended = false;
  #idle: (() => void)[] = [];

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#outbox = new Outbox(options.socket, () => {
      this.#throttle();
      this.#tellIdle();
    });
  }

  push(chunk: Uint8Array): void {
    this.#reader.push(chunk);
    this.#throttle();
  }

  /** The socket takes more again. */
  drained(): void {
    this.#outbox.flush();
  }

  /** The connection has ended: all its calls are cancelled. */
  ended(): void {
    this.#ended = true;
    for (const id of [...this.#lagging.keys()]) this.#forgive(id);
    const reason = new StatusError(codes.CANCELLED, "the connection has ended");
    for (const [streamId, { call, messages }] of [...this.#running]) {
      // A handler that does not look at its signal is not held against others.
      this.#finish(streamId);
      call.cancel(reason);
      messages?.end(reason);
    }
    this.#outbox.clear();
  }

  /** Resolves when no call runs and all answers have left. */
  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.push(resolve);
    });
  }

  #receive({ streamId, type, flags: set, data, oversizeBytes }: Frame): void {
    if (this.#ended) return; // the rest of a chunk, behind what has ended the connection
    if (oversizeBytes !== undefined) {
      const limit = `exceed maximum message size of ${maxDataBytes}`;
      this.#refuse(streamId, codes.RESOURCE_EXHAUSTED, `message length ${oversizeBytes} ${limit}`);
    } else if (streamId % 2 === 0) {
      const reason = "StreamID must be odd for client initiated streams";
      this.#refuse(streamId, codes.INVALID_ARGUMENT, reason);
    } else if (type === frameTypes.request) {
      this.#begin(streamId, data);
    } else if (type === frameTypes.data) {
      this.#take(streamId, set, data);
    }
  }

  #begin(streamId: number, data: Uint8Array): void {
    if (streamId <= this.#lastId) {
      const reason = "StreamID cannot be re-used and must increment";
      this.#refuse(streamId, codes.INVALID_ARGUMENT, reason);
      return;
    }
    this.#lastId = streamId;
    const request = this.#read(streamId, data);
    if (request === undefined) return;
    const service = this.#options.services.get(request.service);
    const method = service?.methods.get(request.method);
    if (method === undefined) {
      const what = service === undefined ? "service" : "method";
      this.#refuse(streamId, codes.UNIMPLEMENTED, `${what} ${request[what]}`);
      return;
    }
    if (!this.#options.budget.take(data.length)) {
      this.#refuse(streamId, codes.RESOURCE_EXHAUSTED, "too many requests at once");
      return;
    }
    const call = new RunningCall(request.metadata, request.timeoutNano);
    const messages =
      method.streams === undefined ? undefined : new MessageQueue(() => this.#forgive(streamId));
    this.#running.set(streamId, { call, bytes: data.length, messages });
    if (messages !== undefined) prime(messages, method.streams, request.payload);
    void this.#run(streamId, method, messages ?? new MessageQueue(), request.payload, call);
  }

  #read(streamId: number, data: Uint8Array): Request | undefined {
    try {
      return decode(Request, data);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#refuse(streamId, codes.INVALID_ARGUMENT, `unmarshal request error: ${reason}`);
      return undefined;
    }
  }

  async #run(
    streamId: number,
    method: Method,
    messages: MessageQueue,
    payload: Uint8Array,
    call: RunningCall,
  ): Promise<void> {
    try {
      if (method.streams === undefined) {
        this.#answer(streamId, await method.run(payload, call));
      } else if (method.streams === "client") {
        this.#answer(streamId, await method.run(messages, call));
      } else {
        await this.#stream(streamId, method.run(messages, call));
      }
    } catch (thrown) {
      this.#fail(streamId, StatusError.from(thrown));
    }
    this.#finish(streamId);
  }

  /** Waits for a slow peer between messages; one who has gone ends the handler. */
  async #stream(streamId: number, answers: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const answer of answers) {
      if (!this.#running.has(streamId) || this.#ended) return;
      this.#send(streamId, frameTypes.data, 0, answer);
      if (this.#outbox.waitingBytes > highWaterBytes) await this.#outbox.emptied();
    }
    if (!this.#running.has(streamId)) return;
    this.#send(streamId, frameTypes.data, flags.remoteClosed | flags.noData, new Uint8Array());
  }

  #take(streamId: number, set: number, data: Uint8Array): void {
    const running = this.#running.get(streamId);
    if (running === undefined) {
      this.#refuse(streamId, codes.INVALID_ARGUMENT, "StreamID is no longer active");
      return;
    }
    const { messages } = running;
    if ((set & flags.noData) === 0) {
      if (messages === undefined || messages.hasEnded) {
        const reason = messages === undefined ? "the call has no stream" : "the stream is closed";
        this.#abort(streamId, codes.INVALID_ARGUMENT, `data handling error: ${reason}`);
        return;
      }
      messages.push(data.slice());
      if (messages.length > maxLag) this.#blame(streamId);
    }
    if ((set & flags.remoteClosed) !== 0) messages?.end();
  }

  #blame(streamId: number): void {
    if (this.#lagging.has(streamId)) return;
    const abort = () => {
      this.#abort(streamId, codes.RESOURCE_EXHAUSTED, "the stream is full");
      this.#throttle();
    };
    this.#lagging.set(streamId, setTimeout(abort, lagMs));
  }

  #forgive(streamId: number): void {
    const timer = this.#lagging.get(streamId);
    if (timer === undefined) return;
    clearTimeout(timer);
    this.#lagging.delete(streamId);
    const lag = this.#running.get(streamId)?.messages?.length ?? 0;
    // It has made progress: another second, where it is still behind.
    if (lag > maxLag && !this.#ended) this.#blame(streamId);
    this.#throttle();
  }

  #answer(streamId: number, payload: Uint8Array): void {
    if (this.#running.has(streamId)) {
      this.#send(streamId, frameTypes.response, 0, encode(Response, { payload }));
    }
  }

  #fail(streamId: number, status: StatusError): void {
    if (this.#running.has(streamId)) this.#sendStatus(streamId, status);
  }

  #refuse(streamId: number, code: number, message: string): void {
    this.#sendStatus(streamId, new StatusError(code, message));
  }

  /** Ends a call from outside; what its handler still says is not sent. */
  #abort(streamId: number, code: number, message: string): void {
    const status = new StatusError(code, message);
    const running = this.#running.get(streamId);
    this.#sendStatus(streamId, status);
    this.#finish(streamId);
    running?.call.cancel(status);
    running?.messages?.end(status);
  }

  #finish(streamId: number): void {
    const running = this.#running.get(streamId);
    if (running === undefined) return;
    this.#running.delete(streamId);
    this.#forgive(streamId);
    running.call.finish();
    this.#options.budget.give(running.bytes);
    this.#tellIdle();
  }

  #sendStatus(streamId: number, { code, message, details }: StatusError): void {
    const status = { code, message, details };
    this.#send(streamId, frameTypes.response, 0, encode(Response, { status }));
  }

  #send(streamId: number, type: number, set: number, data: Uint8Array): void {
    if (this.#ended) return;
    if (data.length > maxDataBytes) {
      const limit = `exceed maximum message size of ${maxDataBytes}`;
      const reason = `message length ${data.length} ${limit}`;
      if (type === frameTypes.data) throw new StatusError(codes.RESOURCE_EXHAUSTED, reason);
      this.#refuse(streamId, codes.RESOURCE_EXHAUSTED, reason);
      return;
    }
    this.#outbox.send(encodeFrame(streamId, type, set, data));
    this.#throttle();
    if (this.#outbox.waitingBytes <= maxWaitingBytes) return;
    this.#options.warn(`a client does not read: ${this.#outbox.waitingBytes} bytes wait for it`);
    this.#options.socket.terminate();
    this.ended();
  }

  #throttle(): void {
    const wanted = this.#lagging.size > 0 || this.#outbox.waitingBytes > highWaterBytes;
    if (wanted === this.#paused || this.#ended) return;
    this.#paused = wanted;
    if (wanted) this.#options.socket.pause();
    else this.#options.socket.resume();
  }

  #isIdle(): boolean {
    return this.#running.size === 0 && this.#outbox.waitingBytes === 0;
  }

  #tellIdle(): void {
    if (this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** The request's own payload is the first message, where there is one. */
function prime(messages: MessageQueue, streams: Method["streams"], payload: Uint8Array): void {
  if (streams === "server" || payload.length > 0) messages.push(payload);
  if (streams === "server") messages.end();
}
