// SPDX-License-Identifier: Apache-2.0
/**
 * Messages: D-Bus specification, "Message Format". Header: endianness u8@0, type u8@1, flags u8@2,
 * version u8@3, body length u32@4, serial u32@8, fields a(yv)@12, padding to 8, then the body.
 */
import { malformed, ValueReader } from "./read-values.ts";
import type { DbusValue } from "./value.ts";
import { isVariant, ValueWriter } from "./write-values.ts";

export type MessageType = "call" | "return" | "error" | "signal";

/** Types by their number, from 1 on. */
const types: readonly MessageType[] = ["call", "return", "error", "signal"];

export type Message = {
  readonly type: MessageType;
  readonly serial: number;
  readonly path?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly errorName?: string;
  readonly replySerial?: number;
  readonly destination?: string;
  readonly sender?: string;
  readonly signature?: string;
  readonly body: readonly DbusValue[];
};

/** Fields by code, with their type. */
const fields = [
  [1, "path", "o"],
  [2, "interface", "s"],
  [3, "member", "s"],
  [4, "errorName", "s"],
  [5, "replySerial", "u"],
  [6, "destination", "s"],
  [7, "sender", "s"],
  [8, "signature", "g"],
] as const;

export const fixedHeaderBytes = 16;
/** systemd's answers are small; the specification's 128 MiB would be a peer's way to our memory. */
export const messageMaxBytes = 1 << 20;

export function encodeMessage(message: Message): Uint8Array {
  const { type, serial, signature = "", body } = message;
  const header = fields.flatMap(([code, name, kind]) => {
    const value = message[name];
    return value === undefined || value === "" ? [] : [[code, { signature: kind, value }]];
  });
  const writer = new ValueWriter();
  writer.values("yyyyuu", [0x6c /* l */, types.indexOf(type) + 1, 0, 1, 0, serial]);
  writer.values("a(yv)", [header]).align(8);
  const start = writer.length;
  writer.values(signature, body);
  writer.setU32(4, writer.length - start);
  return writer.finish();
}

/** The size of the whole message that begins with these bytes, at least {@link fixedHeaderBytes}. */
export function messageSize(start: Uint8Array): number {
  const view = new DataView(start.buffer, start.byteOffset, start.length);
  const little = isLittleEndian(view.getUint8(0));
  if (view.getUint8(3) !== 1) throw malformed("it has another protocol version");
  const [body, header] = [view.getUint32(4, little), view.getUint32(12, little)];
  const size = fixedHeaderBytes + Math.ceil(header / 8) * 8 + body;
  if (size > messageMaxBytes) throw malformed(`it has ${size} bytes`);
  return size;
}

/** @throws RuneError DBUS for anything that is not exactly one message */
export function decodeMessage(bytes: Uint8Array): Message {
  if (bytes.length < fixedHeaderBytes || messageSize(bytes) !== bytes.length) {
    throw malformed("it has not the size that it says");
  }
  const littleEndian = isLittleEndian(bytes[0] ?? 0);
  const type = types[(bytes[1] ?? 0) - 1];
  if (type === undefined) throw malformed(`there is no message type ${bytes[1]}`);
  const reader = new ValueReader(bytes, { at: 8, littleEndian });
  const [serial] = reader.values("u");
  const [list] = reader.values("a(yv)");
  const header = decodeFields(list);
  reader.align(8);
  const { signature = "" } = header;
  const body = reader.values(signature);
  reader.done();
  return { type, serial: Number(serial), ...header, body };
}

function decodeFields(list: DbusValue | undefined): Partial<Omit<Message, "type" | "body">> {
  const header: Record<string, DbusValue> = {};
  for (const entry of Array.isArray(list) ? list : []) {
    const [code, variant] = entry;
    const field = fields.find(([known]) => known === code);
    if (field === undefined) continue; // "unknown fields must be ignored"
    const [, name, kind] = field;
    if (!isVariant(variant) || variant.signature !== kind || name in header) {
      throw malformed(`header field ${code} is faulty`);
    }
    header[name] = variant.value;
  }
  return header;
}

function isLittleEndian(byte: number): boolean {
  if (byte === 0x6c /* l */) return true;
  if (byte === 0x42 /* B */) return false;
  throw malformed("it has no byte order");
}
