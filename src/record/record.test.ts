// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RecordReader, RecordWriter, recordHeaderBytes, stringMaxBytes } from "./record.ts";

/** Shared with native/runelet/tests/record_test.c. */
const vectors = readFileSync(join(import.meta.dir, "../../tests/vectors/records.txt"), "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => line.split(" "));

const text = (hex: string) => Buffer.from(hex === "-" ? "" : hex, "hex").toString();
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex === "-" ? "" : hex, "hex"));
const strings = (list: string) => (list === "." ? [] : list.split(",").map(text));

function write(writer: RecordWriter, type: string, value: string): void {
  if (type === "u") writer.u32(Number(value));
  else if (type === "q") writer.u64(BigInt(value));
  else if (type === "s") writer.string(text(value));
  else if (type === "b") writer.bytes(bytes(value));
  else writer.list(strings(value));
}

function read(reader: RecordReader, type: string): unknown {
  if (type === "u") return reader.u32();
  if (type === "q") return reader.u64();
  if (type === "s") return reader.string();
  if (type === "b") return reader.bytes(1 << 16);
  return Array.from({ length: Math.min(reader.u32(), 1 << 17) }, () => reader.string());
}

const expected: Record<string, (value: string) => unknown> = {
  u: Number,
  q: BigInt,
  s: text,
  b: bytes,
  l: strings,
};

for (const [verdict, name, hex = "", ...rest] of vectors) {
  if (verdict === "ok") {
    const [code, flags, ...args] = rest;
    const pairs = args.map((arg) => [arg.slice(0, 1), arg.slice(2)] as const);

    test(`${name} is written`, () => {
      const writer = new RecordWriter(0, 0).begin(Number(code), Number(flags));
      for (const [type, value] of pairs) write(writer, type, value);
      expect(Buffer.from(writer.end().finish()).toString("hex")).toBe(hex);
    });

    test(`${name} is read`, () => {
      const reader = RecordReader.packet(bytes(hex));
      expect([reader.code, reader.flags]).toEqual([Number(code), Number(flags)]);
      for (const [type, value] of pairs) {
        expect<unknown>(read(reader, type)).toEqual(expected[type]?.(value));
      }
      reader.done();
    });
  } else {
    test(`${name} is refused`, () => {
      const types = rest[0] === "." ? [] : [...(rest[0] ?? "")];
      const attempt = () => {
        const reader = RecordReader.packet(bytes(hex));
        for (const type of types) read(reader, type);
        reader.done();
      };
      expect(attempt).toThrow(expect.objectContaining({ code: "RUNELET" }));
    });
  }
}

test("records stand one behind the other after the reserved bytes", () => {
  const writer = new RecordWriter(24, 8);
  writer.begin(7).end().begin(32).string("a").end();
  const whole = writer.finish();
  expect(whole.length).toBe(24 + 8 + 16);
  expect(whole.subarray(0, 24).every((byte) => byte === 0)).toBe(true);
  expect([whole[24], whole[32], whole[36], whole[44]]).toEqual([7, 32, 6, 97]);
});

test("a writer grows, and leaves no rest of what was there in its padding", () => {
  const writer = new RecordWriter(0, 0);
  writer.begin(42).bytes(new Uint8Array(100_001).fill(0xff)).end();
  const record = writer.finish();
  expect(record.length).toBe(100_016); // 8 + 4 + 100001, and 3 of padding
  expect([...record.subarray(-4)]).toEqual([0xff, 0, 0, 0]);
});

test("a reader works where the packet is a part of a larger buffer", () => {
  const buffer = new Uint8Array(64).fill(0xee);
  buffer.set(new RecordWriter().begin(1).u32(42).u64(7n).string("x").end().finish(), 5);
  const reader = RecordReader.packet(buffer.subarray(5, 5 + 32));
  expect([reader.u32(), reader.u64(), reader.string()]).toEqual([42, 7n, "x"]);
  reader.done();
});

test("limits are kept by the writer", () => {
  const writer = () => new RecordWriter().begin(32);
  expect(() => writer().string("a\0b")).toThrow("contains NUL");
  expect(() => writer().string("a".repeat(stringMaxBytes + 1))).toThrow("1048577 bytes");
  expect(() => writer().string("é".repeat(stringMaxBytes / 2 + 1))).toThrow("1048578 bytes");
  expect(() => writer().list(Array(65537).fill(""))).toThrow("65537 strings");
  const largest = writer().string("a".repeat(stringMaxBytes)).end().finish();
  expect(largest.length).toBe(recordHeaderBytes + 4 + stringMaxBytes + 4); // NUL and padding
  expect(RecordReader.packet(largest).string()).toHaveLength(stringMaxBytes);
  expect(writer().list(Array(65536).fill("")).end().finish().length).toBe(8 + 4 + 65536 * 5 + 4);
});

test("limits are kept by the reader", () => {
  const packet = new RecordWriter().begin(1).string("four").end().finish();
  expect(() => RecordReader.packet(packet).string(3)).toThrow("4 bytes where at most 3");
  expect(RecordReader.packet(packet).string(4)).toBe("four");
});

test("a string that is not UTF-8 is refused", () => {
  const packet = new RecordWriter().begin(1).string("ab").end().finish();
  packet[13] = 0xff;
  expect(() => RecordReader.packet(packet).string()).toThrow("not UTF-8");
});

test("every cut of a good packet is refused", () => {
  const packet = new RecordWriter().begin(3).u32(0).u32(2).string("doing").string("why").end();
  const whole = packet.finish();
  for (let size = 0; size < whole.length; size++) {
    expect(() => RecordReader.packet(whole.subarray(0, size))).toThrow();
  }
});
