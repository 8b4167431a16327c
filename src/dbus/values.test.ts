// SPDX-License-Identifier: Apache-2.0
/** Signatures, values as bytes, and what a hostile peer may send. */
import { expect, test } from "bun:test";
import { decodeMessage, encodeMessage, type Message, messageSize } from "./message.ts";
import { ValueReader } from "./read-values.ts";
import { parseSignature, parseSingleType } from "./signature.ts";
import type { DbusValue } from "./value.ts";
import { ValueWriter } from "./write-values.ts";

const hex = (bytes: Uint8Array) => bytes.toHex();
const written = (signature: string, ...values: DbusValue[]) =>
  new ValueWriter().values(signature, values).finish();
const read = (signature: string, bytes: Uint8Array, littleEndian = true) => {
  const reader = new ValueReader(bytes, { at: 0, littleEndian });
  const values = reader.values(signature);
  reader.done();
  return values;
};

test("signatures nest as the specification has it", () => {
  expect(parseSignature("sa(sv)")).toEqual([
    { kind: "basic", code: "s" },
    {
      kind: "array",
      element: { kind: "struct", fields: [{ kind: "basic", code: "s" }, { kind: "variant" }] },
    },
  ]);
  expect(parseSignature("")).toEqual([]);
  expect(parseSingleType("a{sv}")).toMatchObject({ kind: "array" });
  for (const bad of [
    "a",
    "(",
    "()",
    "(s",
    ")",
    "z",
    "{sv}",
    "a{vs}",
    "a{s}",
    "a{svs}",
    "a{sv",
    "m",
  ]) {
    expect(() => parseSignature(bad), bad).toThrow("read D-Bus signature");
  }
  expect(() => parseSingleType("ss")).toThrow("it is not one type");
  expect(() => parseSingleType("")).toThrow("it is not one type");
  expect(() => parseSignature(`${"a".repeat(33)}y`)).toThrow("nested too deep");
  expect(() => parseSignature(`${"(".repeat(33)}y${")".repeat(33)}`)).toThrow("nested too deep");
  expect(() => parseSignature("y".repeat(256))).toThrow("it is too long");
});

test("the specification's examples of bytes", () => {
  // "Marshaling", the strings foo, + and bar; an array of one 64-bit integer: padding is not counted
  expect(hex(written("sss", "foo", "+", "bar"))).toBe(
    "03000000666f6f00" + "010000002b000000" + "0300000062617200",
  );
  expect(hex(written("ax", [5n]))).toBe("08000000" + "00000000" + "0500000000000000");
  expect(hex(written("ax", []))).toBe("00000000" + "00000000");
  expect(hex(written("yu", 1, 2))).toBe("0100000002000000");
  expect(hex(written("v", { signature: "b", value: true }))).toBe("01620000" + "01000000");
});

const samples: readonly (readonly [string, DbusValue])[] = [
  ["y", 255],
  ["b", false],
  ["n", -32768],
  ["q", 65535],
  ["i", -2147483648],
  ["u", 4294967295],
  ["x", -(1n << 63n)],
  ["t", (1n << 64n) - 1n],
  ["d", 1.5],
  ["s", "é\n"],
  ["o", "/a/b"],
  ["g", "a(sv)"],
  ["ay", new Uint8Array([1, 2, 3])],
  ["au", [1, 2]],
  ["a(ss)", [["/dev/char/1:3", "rwm"]]],
  ["a{sv}", [["k", { signature: "as", value: ["x"] }]]],
  ["(y(xs))", [1, [2n, "s"]]],
  ["v", { signature: "v", value: { signature: "u", value: 1 } }],
];

test("what is written is what is read", () => {
  for (const [signature, value] of samples) {
    expect(read(signature, written(signature, value)), signature).toEqual([value]);
    const shifted = read(`y${signature}`, written(`y${signature}`, 1, value));
    expect(shifted, signature).toEqual([1, value]);
  }
  const long = "x".repeat(5000);
  expect(read("sd", written("sd", long, 2.5))).toEqual([long, 2.5]);
});

test("the other byte order can be read", () => {
  expect(read("u", new Uint8Array([0, 0, 1, 2]), false)).toEqual([258]);
  expect(read("s", new Uint8Array([0, 0, 0, 1, 65, 0]), false)).toEqual(["A"]);
});

test("values that are none of the type are not written", () => {
  const bad: readonly (readonly [string, DbusValue])[] = [
    ["y", 256],
    ["u", -1],
    ["u", 1.5],
    ["t", 1n << 64n],
    ["b", 1],
    ["d", "1"],
    ["s", 5],
    ["s", "a\0b"],
    ["v", "text"],
    ["as", "text"],
    ["(ss)", ["one"]],
    ["h", 1],
  ];
  for (const [signature, value] of bad) {
    expect(() => written(signature, value), signature).toThrow("is no value of type");
  }
  expect(() => written("g", "z")).toThrow("there is no type `z`");
  expect(() => written("ss", "one")).toThrow("is no value of type");
});

test("bytes that a hostile peer may send", () => {
  const faults: readonly (readonly [string, string, string])[] = [
    ["u", "010000", "ends within a value"],
    ["s", "ffffffff41", "ends within a value"],
    ["s", "0100000041ff", "has no end"],
    ["s", "020000004100" + "00", "has no end"],
    ["s", "01000000ff00", "not UTF-8"],
    ["b", "02000000", "is no boolean"],
    ["au", "ffffff7f01000000", "longer than the message"],
    ["au", "0500000001000000" + "02000000", "within an element"],
    ["yu", "0101000001000000", "padding is not zero"],
    ["u", "0100000000", "left over"],
    ["v", "0273730000000000", "not one type"],
  ];
  for (const [signature, bytes, message] of faults) {
    expect(() => read(signature, Uint8Array.fromHex(bytes)), bytes).toThrow(message);
  }
  const deep = "0176".concat("00").repeat(200);
  expect(() => read("v", Uint8Array.fromHex(deep))).toThrow("nested too deep");
});

const call: Message = {
  type: "call",
  serial: 7,
  path: "/org/freedesktop/systemd1",
  interface: "org.freedesktop.systemd1.Manager",
  member: "StopUnit",
  destination: "org.freedesktop.systemd1",
  signature: "ss",
  body: ["a.scope", "replace"],
};

test("a message is read as it was written", () => {
  const bytes = encodeMessage(call);
  expect(messageSize(bytes.subarray(0, 16))).toBe(bytes.length);
  expect(decodeMessage(bytes)).toEqual(call);
  const empty: Message = { type: "return", serial: 1, replySerial: 7, body: [] };
  expect(decodeMessage(encodeMessage(empty))).toEqual(empty);
});

test("every truncation and every changed byte of a message is refused or another message", () => {
  const bytes = encodeMessage(call);
  for (let size = 0; size < bytes.length; size++) {
    expect(() => decodeMessage(bytes.slice(0, size))).toThrow("D-Bus");
  }
  for (let at = 0; at < bytes.length; at++) {
    for (const flip of [1, 0x80, 0xff]) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ flip;
      try {
        decodeMessage(changed);
      } catch (error) {
        expect(String(error)).toContain("D-Bus");
      }
    }
  }
});

test("headers that are none", () => {
  const bytes = encodeMessage(call);
  const changed = (at: number, value: number) => {
    const copy = bytes.slice();
    copy[at] = value;
    return copy;
  };
  expect(() => decodeMessage(changed(0, 0x78))).toThrow("no byte order");
  expect(() => decodeMessage(changed(1, 9))).toThrow("no message type 9");
  expect(() => decodeMessage(changed(3, 2))).toThrow("another protocol version");
  expect(() => messageSize(changed(7, 0x7f))).toThrow("bytes");
  expect(() => decodeMessage(changed(4, 0))).toThrow("not the size");
});
