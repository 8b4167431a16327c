// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { decodeAttributes, decodeMessages, encodeMessage, encodePayload } from "./message.ts";

const attributes = [
  { type: 3, value: Uint8Array.of(1, 2, 3, 4, 5) },
  { type: 9, value: Uint8Array.of() },
  { type: 19, value: Uint8Array.of(9, 8, 7, 6) },
];

test("a message is what RFC 3549 says", () => {
  const payload = encodePayload(Uint8Array.of(2, 24), [{ type: 2, value: Uint8Array.of(7) }]);
  expect(encodeMessage({ type: 20, flags: 0x105, sequence: 3, payload }).toHex()).toBe(
    "1c000000 1400 0501 03000000 00000000  02180000  0500 0200 07000000".replaceAll(" ", ""),
  );
});

test("what is encoded is decoded", () => {
  const payload = encodePayload(new Uint8Array(8).fill(5), attributes);
  const one = encodeMessage({ type: 16, flags: 1, sequence: 7, payload });
  const packet = new Uint8Array([...one, ...one]);
  const messages = decodeMessages(packet);
  expect(messages).toHaveLength(2);
  for (const { type, flags, sequence, payload: found } of messages) {
    expect({ type, flags, sequence }).toEqual({ type: 16, flags: 1, sequence: 7 });
    expect(decodeAttributes(found, 8)).toEqual(attributes);
  }
});

test("flags of a type are not the type", () => {
  const payload = Uint8Array.of(4, 0, 3, 0x80);
  expect(decodeAttributes(payload, 0)).toEqual([{ type: 3, value: Uint8Array.of() }]);
});

test("no length is believed", () => {
  const whole = encodeMessage({
    type: 1,
    flags: 0,
    sequence: 0,
    payload: encodePayload(new Uint8Array(4), attributes),
  });
  for (let size = 1; size < whole.length; size++) {
    expect(() => decodeMessages(whole.subarray(0, size))).toThrow("malformed");
  }
  for (const length of [0, 3, 15, 0x7fffffff, 0xffffffff]) {
    const wrong = whole.slice();
    new DataView(wrong.buffer).setUint32(0, length, true);
    expect(() => decodeMessages(wrong)).toThrow("malformed");
  }
  for (const length of [0, 3, 200, 0xffff]) {
    const wrong = encodePayload(new Uint8Array(4), attributes);
    new DataView(wrong.buffer).setUint16(4, length, true);
    expect(() => decodeAttributes(wrong, 4)).toThrow("malformed");
  }
  expect(() => decodeAttributes(Uint8Array.of(0, 0, 0, 0, 1), 4)).toThrow("malformed");
});
