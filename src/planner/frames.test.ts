// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import type { Pid } from "../kernel/kernel.ts";
import { RecordReader, RecordWriter } from "../record/record.ts";
import {
  codes,
  decodeDone,
  decodeGo,
  decodeHello,
  encodeDescriptors,
  encodeExit,
  encodeOffer,
  encodeProgram,
  encodeReap,
  encodeReapEnded,
  encodeRefuse,
  encodeTake,
} from "./frames.ts";

const environment = new TextEncoder().encode("A=1\0B=\xff\0");

function hello(version = 1, count = 2): RecordWriter {
  const record = new RecordWriter().begin(codes.hello).u32(version).u64(7n).u64(8n);
  return record.list(["run", "a b", ""]).bytes(environment).u32(count);
}

test("HELLO has the words, the environment as it is, and the descriptors' numbers", () => {
  expect(decodeHello(hello().u32(3).u32(9).end().finish())).toEqual({
    version: 1,
    engine: { device: 7n, inode: 8n },
    argv: ["run", "a b", ""],
    environment,
    numbers: [3, 9],
  });
});

test("of another version nothing but the version is read", () => {
  const packet = new RecordWriter().begin(codes.hello).u32(9).string("whatever").end().finish();
  expect(decodeHello(packet)).toMatchObject({ version: 9, argv: [], numbers: [] });
});

test("a malformed HELLO is refused: museum", () => {
  const whole = hello().u32(3).u32(9).end().finish();
  const museum: Record<string, Uint8Array> = {
    "nothing at all": new Uint8Array(),
    "cut in the header": whole.slice(0, 5),
    "cut in the end": whole.slice(0, -8),
    "something behind": new Uint8Array([...whole, ...new Uint8Array(8)]),
    "an argument too many": hello().u32(3).u32(9).u32(1).end().finish(),
    "numbers that do not come": hello().u32(3).end().finish(),
    "more numbers than may be": hello(1, 65).end().finish(),
    "another code": encodeOffer(1n),
    "a list that cannot be": new RecordWriter()
      .begin(codes.hello)
      .u32(1)
      .u64(1n)
      .u64(1n)
      .u32(0xffffffff)
      .end()
      .finish(),
  };
  for (const [name, packet] of Object.entries(museum)) {
    expect(() => decodeHello(packet), name).toThrow();
  }
});

test("a word with a NUL or that is no UTF-8 is refused", () => {
  const whole = hello().u32(3).u32(9).end().finish();
  const at = whole.indexOf("a".charCodeAt(0), 40);
  for (const byte of [0, 0xff]) {
    const damaged = whole.slice();
    damaged[at] = byte;
    expect(() => decodeHello(damaged)).toThrow();
  }
});

test("GO and DONE are numbers", () => {
  const packet = (code: number, value: bigint) =>
    new RecordWriter().begin(code).u64(value).end().finish();
  expect(decodeGo(packet(codes.go, 0xffffffffffffffffn))).toBe(0xffffffffffffffffn);
  expect(decodeDone(packet(codes.done, 4711n))).toBe(4711);
  expect(decodeDone(packet(codes.done, BigInt.asUintN(64, -2n)))).toBe(-2);
  expect(() => decodeDone(packet(codes.go, 1n))).toThrow("packet 4 where 11 was due");
});

test("what a worker sends", () => {
  const read = (packet: Uint8Array, code: number) => {
    const record = RecordReader.packet(packet);
    expect(record.code).toBe(code);
    return record;
  };
  expect(read(encodeOffer(5n), 2).u64()).toBe(5n);
  expect(read(encodeRefuse("no"), 3).string()).toBe("no");
  const program = { path: "/x", argv: ["x", "y"], env: ["A=1"] };
  for (const code of [codes.spawn, codes.become]) {
    const record = read(encodeProgram(code, program, [64, 3]), code);
    expect([record.string(), record.list(), record.list()]).toEqual(["/x", ["x", "y"], ["A=1"]]);
    expect([record.u32(), record.u32(), record.u32()]).toEqual([2, 64, 3]);
    record.done();
  }
  const descriptors = read(encodeDescriptors([70]), 7);
  expect([descriptors.u32(), descriptors.u32()]).toEqual([1, 70]);
  expect(read(encodeReap(9 as Pid), 8).u32()).toBe(9);
  read(encodeReapEnded(), 9).done();
  expect(read(encodeTake(4), 10).u32()).toBe(4);
  expect(read(encodeExit(255), 12).u32()).toBe(255);
});
