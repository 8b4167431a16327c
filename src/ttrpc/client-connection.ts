// SPDX-License-Identifier: Apache-2.0
/** A client's side of one connection: docs/protocol/ttrpc.md, "The client". */
import { decode, encode } from "../protobuf/codec.ts";
import { connectionLimit } from "./budget.ts";
import { encodeFrame, type Frame, FrameReader, flags, frameTypes, maxDataBytes } from "./frame.ts";
import { MessageQueue } from "./message-queue.ts";
import { Outbox, type Sink } from "./outbox.ts";
import { type KeyValue, Request, Response } from "./proto/ttrpc.gen.ts";
import { codes, StatusError } from "./status.ts";

export type CallOptions = {
  /** Undefined: for ever. */
  readonly timeoutMs?: number;
  readonly metadata?: readonly KeyValue[];
  /** Forgets the call here; the other side is not told, the protocol has no word for it. */
  readonly signal?: AbortSignal;
};

export type ClientStream = {
  readonly messages: AsyncIterable<Uint8Array>;
  /** Waits while much is on its way. */
  readonly send: (message: Uint8Array) => Promise<void>;
  readonly end: () => void;
};

type Waiting = {
  readonly receive: (frame: Frame) => void;
  readonly fail: (error: StatusError) => void;
};

const highWaterBytes = 1 << 20;
const maxTimeoutMs = 2 ** 31 - 1;
const lastStreamId = 0xffff_ffff;
const nothing = new Uint8Array();

export class ClientConnection {
  readonly #socket: Sink & { end(): void };
  readonly #outbox: Outbox;
  readonly #reader = new FrameReader((frame) => this.#receive(frame));
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #ended = false;

  constructor(socket: Sink & { end(): void }) {
    this.#socket = socket;
    this.#outbox = new Outbox(socket);
  }

  get inFlight(): number {
    return this.#waiting.size;
  }

  push(chunk: Uint8Array): void {
    this.#reader.push(chunk);
  }

  drained(): void {
    this.#outbox.flush();
  }

  ended(): void {
    this.#ended = true;
    this.#outbox.clear();
    const error = new StatusError(codes.UNAVAILABLE, "the connection has ended");
    for (const { fail } of [...this.#waiting.values()]) fail(error);
  }

  call(
    service: string,
    method: string,
    payload: Uint8Array,
    options: CallOptions = {},
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const id = this.#open(service, method, payload, 0, options, {
        receive: (frame) => {
          this.#waiting.delete(id);
          try {
            resolve(payloadOf(frame));
          } catch (error) {
            reject(error);
          }
        },
        fail: (error) => {
          this.#waiting.delete(id);
          reject(error);
        },
      });
    });
  }

  stream(
    service: string,
    method: string,
    payload: Uint8Array | undefined,
    isOpen: boolean,
    options: CallOptions = {},
  ): ClientStream {
    const messages = new MessageQueue();
    const set = isOpen ? flags.remoteOpen : flags.remoteClosed;
    const close = (error?: unknown) => {
      this.#waiting.delete(id);
      messages.end(error);
    };
    const id = this.#open(service, method, payload ?? nothing, set, options, {
      receive: (frame) => {
        try {
          if (takeMessage(frame, messages)) close();
        } catch (error) {
          close(error);
        }
      },
      fail: close,
    });
    return {
      messages,
      send: async (message) => {
        if (!this.#waiting.has(id)) {
          throw new StatusError(codes.FAILED_PRECONDITION, "the stream is closed");
        }
        this.#outbox.send(frameOf(id, frameTypes.data, 0, message));
        if (this.#outbox.waitingBytes > highWaterBytes) await this.#outbox.emptied();
      },
      end: () => {
        if (!isOpen || !this.#waiting.has(id)) return;
        const last = flags.remoteClosed | flags.noData;
        this.#outbox.send(encodeFrame(id, frameTypes.data, last));
      },
    };
  }

  /** Throws a StatusError where the request cannot be sent; from then on `waiting` hears of it. */
  #open(
    service: string,
    method: string,
    payload: Uint8Array,
    set: number,
    { timeoutMs, metadata = [], signal }: CallOptions,
    waiting: Waiting,
  ): number {
    if (signal?.aborted === true) throw new StatusError(codes.CANCELLED, "the call was aborted");
    if (this.#ended) throw new StatusError(codes.UNAVAILABLE, "the connection has ended");
    if (this.#waiting.size >= connectionLimit.requests) {
      throw new StatusError(codes.RESOURCE_EXHAUSTED, "too many calls at once");
    }
    const timeoutNano = timeoutMs === undefined ? 0n : BigInt(Math.round(timeoutMs * 1e6)) || -1n;
    const request = encode(Request, { service, method, payload, timeoutNano, metadata });
    const id = this.#nextId;
    const frame = frameOf(id, frameTypes.request, set, request);
    this.#nextId += 2;
    this.#waiting.set(id, this.#bounded(waiting, timeoutMs, signal));
    this.#outbox.send(frame);
    if (this.#nextId > lastStreamId) this.#socket.end();
    return id;
  }

  /** The same, ended also by deadline and signal, and letting go of both when it ends. */
  #bounded(
    { receive, fail }: Waiting,
    timeoutMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Waiting {
    if (timeoutMs === undefined && signal === undefined) return { receive, fail };
    const aborted = () => ended(new StatusError(codes.CANCELLED, "the call was aborted"));
    const late = () => ended(new StatusError(codes.DEADLINE_EXCEEDED, "deadline exceeded"));
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(late, Math.min(Math.max(timeoutMs, 0), maxTimeoutMs));
    signal?.addEventListener("abort", aborted, { once: true });
    const release = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
    };
    const ended = (error: StatusError) => {
      release();
      fail(error);
    };
    return {
      receive: (frame) => {
        // A stream's data does not end it.
        if (frame.type === frameTypes.response || (frame.flags & flags.remoteClosed) !== 0)
          release();
        receive(frame);
      },
      fail: ended,
    };
  }

  #receive(frame: Frame): void {
    const { streamId, oversizeBytes, type } = frame;
    const waiting = this.#waiting.get(streamId);
    if (waiting === undefined) return;
    if (oversizeBytes !== undefined) {
      const limit = `exceed maximum message size of ${maxDataBytes}`;
      const reason = `message length ${oversizeBytes} ${limit}`;
      waiting.fail(new StatusError(codes.RESOURCE_EXHAUSTED, reason));
    } else if (type === frameTypes.response || type === frameTypes.data) {
      waiting.receive(frame);
    }
  }
}

function frameOf(id: number, type: number, set: number, data: Uint8Array): Uint8Array {
  if (data.length <= maxDataBytes) return encodeFrame(id, type, set, data);
  const limit = `exceed maximum message size of ${maxDataBytes}`;
  throw new StatusError(codes.RESOURCE_EXHAUSTED, `message length ${data.length} ${limit}`);
}

/** Throws the StatusError that a response holds. */
function payloadOf({ type, data }: Frame): Uint8Array {
  if (type !== frameTypes.response) {
    throw new StatusError(codes.INTERNAL, "data came where a response was due");
  }
  const { status, payload } = decode(Response, data);
  if (status !== undefined && status.code !== codes.OK) {
    throw new StatusError(status.code, status.message, status.details);
  }
  return payload;
}

/** Whether that was the last. */
function takeMessage(frame: Frame, messages: MessageQueue): boolean {
  if (frame.type === frameTypes.response) {
    messages.push(payloadOf(frame));
    return true;
  }
  if ((frame.flags & flags.noData) === 0) messages.push(frame.data.slice());
  return (frame.flags & flags.remoteClosed) !== 0;
}
