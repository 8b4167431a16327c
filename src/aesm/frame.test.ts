// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { encodeFrame, frameReader } from "./frame.ts";

const message = Uint8Array.from({ length: 300 }, (_, at) => at & 0xff);

test("a frame is the length, little-endian, and the message", () => {
  const frame = encodeFrame(message);
  expect([...frame.subarray(0, 5)]).toEqual([0x2c, 0x01, 0, 0, 0]);
  expect(frame.length).toBe(304);
});

test("is read in pieces of every size", () => {
  const frame = encodeFrame(message);
  for (let size = 1; size <= frame.length; size++) {
    const reader = frameReader(300, "test");
    let read: Uint8Array | undefined;
    for (let at = 0; at < frame.length; at += size) {
      expect(read).toBeUndefined();
      expect(reader.hasStarted()).toBe(at > 0);
      read = reader.push(frame.subarray(at, at + size));
    }
    expect(read).toEqual(message);
  }
});

test("what follows a frame is not its", () => {
  const reader = frameReader(300, "test");
  const both = Buffer.concat([encodeFrame(message), encodeFrame(Uint8Array.of(9))]);
  const read = reader.push(both);
  expect(read).toEqual(message);
  expect(reader.push(Uint8Array.of(1, 2, 3))).toBe(read);
});

test("too long, or of nothing", () => {
  const long = () => frameReader(299, "test").push(encodeFrame(message));
  expect(long).toThrow("read test: a frame of 300 bytes, more than 299");
  const huge = () => frameReader(1 << 20, "test").push(new Uint8Array(4).fill(0xff));
  expect(huge).toThrow("a frame of 4294967295 bytes");
  expect(() => frameReader(9, "test").push(new Uint8Array(4))).toThrow("a frame of no bytes");
  const half = frameReader(9, "test");
  expect(half.push(Uint8Array.of(0xff, 0xff))).toBeUndefined();
  expect(() => half.push(Uint8Array.of(0, 0))).toThrow("a frame of 65535 bytes, more than 9");
});
