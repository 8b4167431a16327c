// SPDX-License-Identifier: Apache-2.0
/** The packets of docs/protocol/planner.md, from the worker's side. */
import { RuneError } from "../errors/error.ts";
import type { Pid, Program } from "../kernel/kernel.ts";
import { RecordReader, RecordWriter } from "../record/record.ts";

export const protocolVersion = 1;
const environmentMaxBytes = 64 << 10; // a packet

export const codes = {
  hello: 1,
  offer: 2,
  refuse: 3,
  go: 4,
  spawn: 5,
  become: 6,
  descriptors: 7,
  reap: 8,
  reapEnded: 9,
  take: 10,
  done: 11,
  exit: 12,
} as const;

export type Hello = {
  readonly version: number;
  readonly engine: { readonly device: bigint; readonly inode: bigint };
  readonly argv: readonly string[];
  /** Entries end with NUL. */
  readonly environment: Uint8Array;
  /** The caller's descriptors from 3 on, as they come behind the directory, 0, 1 and 2. */
  readonly numbers: readonly number[];
};

/** Of another version nothing but the version is read. */
export function decodeHello(packet: Uint8Array): Hello {
  const record = expect(packet, codes.hello);
  const version = record.u32();
  const nothing = { argv: [], environment: new Uint8Array(), numbers: [] };
  if (version !== protocolVersion) {
    return { version, engine: { device: 0n, inode: 0n }, ...nothing };
  }
  const engine = { device: record.u64(), inode: record.u64() };
  const argv = record.list();
  // A copy: the packet's memory is the next one's.
  const environment = record.bytes(environmentMaxBytes).slice();
  const numbers = decodeNumbers(record);
  record.done();
  return { version, engine, argv, environment, numbers };
}

export function decodeGo(packet: Uint8Array): bigint {
  return single(packet, codes.go);
}

/** A result: not negative, or -errno. */
export function decodeDone(packet: Uint8Array): number {
  return Number(BigInt.asIntN(64, single(packet, codes.done)));
}

export function encodeOffer(nonce: bigint): Uint8Array {
  return new RecordWriter().begin(codes.offer).u64(nonce).end().finish();
}

export function encodeRefuse(reason: string): Uint8Array {
  return new RecordWriter().begin(codes.refuse).string(reason).end().finish();
}

export function encodeProgram(
  code: typeof codes.spawn | typeof codes.become,
  { path, argv, env }: Program,
  numbers: readonly number[],
): Uint8Array {
  const record = new RecordWriter().begin(code).string(path).list(argv).list(env);
  return withNumbers(record, numbers);
}

export function encodeDescriptors(numbers: readonly number[]): Uint8Array {
  return withNumbers(new RecordWriter().begin(codes.descriptors), numbers);
}

export function encodeReap(pid: Pid): Uint8Array {
  return new RecordWriter().begin(codes.reap).u32(pid).end().finish();
}

export function encodeReapEnded(): Uint8Array {
  return new RecordWriter().begin(codes.reapEnded).end().finish();
}

export function encodeTake(number: number): Uint8Array {
  return new RecordWriter().begin(codes.take).u32(number).end().finish();
}

export function encodeExit(code: number): Uint8Array {
  return new RecordWriter().begin(codes.exit).u32(code).end().finish();
}

function withNumbers(record: RecordWriter, numbers: readonly number[]): Uint8Array {
  record.u32(numbers.length);
  for (const number of numbers) record.u32(number);
  return record.end().finish();
}

function decodeNumbers(record: RecordReader): number[] {
  const count = record.u32();
  if (count > 64) throw broken(`${count} descriptors`);
  return Array.from({ length: count }, () => record.u32());
}

function single(packet: Uint8Array, code: number): bigint {
  const record = expect(packet, code);
  const value = record.u64();
  record.done();
  return value;
}

function expect(packet: Uint8Array, code: number): RecordReader {
  const record = RecordReader.packet(packet);
  if (record.code !== code) throw broken(`packet ${record.code} where ${code} was due`);
  return record;
}

function broken(reason: string): RuneError {
  return new RuneError({ code: "RUNELET", doing: "listen to the front", reason });
}
