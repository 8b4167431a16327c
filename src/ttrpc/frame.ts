// SPDX-License-Identifier: Apache-2.0
/** Frames: docs/protocol/ttrpc.md, "Frame". */

export const headerBytes = 10;
export const maxDataBytes = 4 << 20;

export const frameTypes = { request: 1, response: 2, data: 3 } as const;
export const flags = { remoteClosed: 1, remoteOpen: 2, noData: 4 } as const;

export type Frame = {
  readonly streamId: number;
  /** One of `frameTypes`, or one of a later version. */
  readonly type: number;
  readonly flags: number;
  /** Valid only until the receiver returns: the next frame may use the memory. */
  readonly data: Uint8Array;
  /** Set where the length was above `maxDataBytes`; `data` is empty then. */
  readonly oversizeBytes?: number;
};

const noData = new Uint8Array();

/** @throws RangeError for more than `maxDataBytes`: the caller has to answer something else */
export function encodeFrame(
  streamId: number,
  type: number,
  flags: number,
  data: Uint8Array = noData,
): Uint8Array {
  if (data.length > maxDataBytes) throw new RangeError(`a frame of ${data.length} bytes`);
  const frame = new Uint8Array(headerBytes + data.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, data.length);
  view.setUint32(4, streamId);
  frame[8] = type;
  frame[9] = flags;
  frame.set(data, headerBytes);
  return frame;
}

/** Takes what arrives, in whatever pieces, and hands on complete frames. */
export class FrameReader {
  readonly #receive: (frame: Frame) => void;
  readonly #header = new Uint8Array(headerBytes);
  readonly #view = new DataView(this.#header.buffer);
  #headerSeen = 0;
  /** Of the frame whose header is complete. */
  #missing = 0;
  /** Grow with what has come: a header alone makes nobody hold 4 MiB. */
  #parts: Uint8Array[] = [];

  constructor(receive: (frame: Frame) => void) {
    this.#receive = receive;
  }

  /** Whether the peer has begun a frame and not ended it. */
  get isWithinFrame(): boolean {
    return this.#headerSeen > 0;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    for (;;) {
      if (this.#headerSeen < headerBytes) {
        const count = Math.min(headerBytes - this.#headerSeen, chunk.length - at);
        this.#header.set(chunk.subarray(at, at + count), this.#headerSeen);
        this.#headerSeen += count;
        at += count;
        if (this.#headerSeen < headerBytes) return;
        this.#missing = this.#view.getUint32(0);
      }
      const part = chunk.subarray(at, at + this.#missing);
      at += part.length;
      this.#missing -= part.length;
      const length = this.#view.getUint32(0);
      if (this.#missing > 0) {
        // A copy: the socket's memory is not ours to keep.
        if (length <= maxDataBytes && part.length > 0) this.#parts.push(part.slice());
        return;
      }
      this.#finish(length, part);
    }
  }

  #finish(length: number, last: Uint8Array): void {
    const parts = this.#parts;
    this.#parts = [];
    this.#headerSeen = 0;
    const head = {
      streamId: this.#view.getUint32(4),
      type: this.#header[8] ?? 0,
      flags: this.#header[9] ?? 0,
    };
    if (length > maxDataBytes) {
      this.#receive({ ...head, data: noData, oversizeBytes: length });
      return;
    }
    this.#receive({ ...head, data: parts.length === 0 ? last : join([...parts, last], length) });
  }
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
