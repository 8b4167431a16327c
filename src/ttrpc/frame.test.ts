// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { encodeFrame, type Frame, FrameReader, headerBytes, maxDataBytes } from "./frame.ts";

test("the header is big-endian: length, stream, type, flags", () => {
  const frame = encodeFrame(0x01020304, 2, 5, Uint8Array.of(9, 8));
  expect([...frame]).toEqual([0, 0, 0, 2, 1, 2, 3, 4, 2, 5, 9, 8]);
  expect(() => encodeFrame(1, 1, 0, new Uint8Array(maxDataBytes + 1))).toThrow(RangeError);
});

test("frames come out the same however they are cut", () => {
  const sent = [
    encodeFrame(1, 1, 0, Uint8Array.of(1, 2, 3)),
    encodeFrame(3, 3, 4),
    encodeFrame(5, 2, 0, new Uint8Array(50).fill(7)),
  ];
  const bytes = new Uint8Array(sent.flatMap((frame) => [...frame]));
  for (let size = 1; size <= bytes.length; size++) {
    const got: Frame[] = [];
    const reader = new FrameReader((frame) => got.push({ ...frame, data: frame.data.slice() }));
    for (let at = 0; at < bytes.length; at += size) reader.push(bytes.slice(at, at + size));
    const again = got.map(({ streamId, type, flags, data }) =>
      encodeFrame(streamId, type, flags, data),
    );
    expect(again).toEqual(sent);
    expect(reader.isWithinFrame).toBe(false);
  }
});

test("what a reader keeps of a frame is its own copy", () => {
  const got: number[][] = [];
  const reader = new FrameReader(({ data }) => got.push([...data]));
  const bytes = encodeFrame(1, 1, 0, Uint8Array.of(1, 2, 3, 4));
  const first = bytes.slice(0, headerBytes + 2);
  reader.push(first);
  first.fill(0xee);
  expect(reader.isWithinFrame).toBe(true);
  reader.push(bytes.slice(headerBytes + 2));
  expect(got).toEqual([[1, 2, 3, 4]]);
});
