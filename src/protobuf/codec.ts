// SPDX-License-Identifier: Apache-2.0
/**
 * Protocol buffers, proto3, for the tables of generated files. The wire format itself is a library's;
 * unknown fields are skipped and not kept.
 */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { RuneError } from "../errors/error.ts";
import type { Field, Init, Kind, Scalar, Schema } from "./schema.ts";

/** Throws PROTOBUF unless the bytes are such a message. The result shares no memory with `bytes`. */
export function decode<T extends object>(schema: Schema<T>, bytes: Uint8Array): T {
  const message = empty(schema);
  try {
    decodeInto(schema, message, bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const doing = `read \`${schema.typeName}\``;
    throw new RuneError({
      code: "PROTOBUF",
      doing,
      reason: `no protocol buffer: ${reason}`,
      cause,
    });
  }
  // The generator makes the type from the same file as the table that was followed.
  return message as T;
}

export function encode<T extends object>(schema: Schema<T>, message: Init<T>): Uint8Array {
  const writer = new BinaryWriter();
  // The values are looked up by the names of the table the type was made from.
  encodeInto(writer, schema, message as Values);
  return writer.finish();
}

type Value = string | Uint8Array | boolean | number | bigint | Values | undefined;
type Values = { [name: string]: Value | Value[] | Map<string, Value> };

const wireTypes: Readonly<Record<Scalar, WireType>> = {
  string: WireType.LengthDelimited,
  bytes: WireType.LengthDelimited,
  bool: WireType.Varint,
  uint32: WireType.Varint,
  int32: WireType.Varint,
  uint64: WireType.Varint,
  int64: WireType.Varint,
  enum: WireType.Varint,
};

const noBytes = new Uint8Array();

const defaults: Readonly<Record<Scalar, Value>> = {
  string: "",
  bytes: noBytes,
  bool: false,
  uint32: 0,
  int32: 0,
  uint64: 0n,
  int64: 0n,
  enum: 0,
};

function empty({ fields }: Schema<object>): Values {
  const message: Values = {};
  for (const name in fields) {
    const [, kind, form] = fields[name] as Field; // a name of its own
    if (form === "list") message[name] = [];
    else if (form === "map") message[name] = new Map();
    else message[name] = typeof kind === "string" ? defaults[kind] : undefined;
  }
  return message;
}

type Named = { readonly name: string; readonly field: Field };
const byNumber = new WeakMap<Schema<object>, ReadonlyMap<number, Named>>();

function numbered(schema: Schema<object>): ReadonlyMap<number, Named> {
  let found = byNumber.get(schema);
  if (found === undefined) {
    const entries = Object.entries(schema.fields);
    found = new Map(entries.map(([name, field]) => [field[0], { name, field }]));
    byNumber.set(schema, found);
  }
  return found;
}

function decodeInto(schema: Schema<object>, message: Values, bytes: Uint8Array): void {
  const reader = new BinaryReader(bytes);
  const numbers = numbered(schema);
  while (reader.pos < bytes.length) {
    const [no, wireType] = reader.tag();
    const named = numbers.get(no);
    if (named === undefined || !readField(reader, wireType, message, named)) {
      reader.skip(wireType, no);
    }
    // Not every read of the library looks at the end; each must have ended inside.
    if (reader.pos > bytes.length) throw new RangeError("it ends within a field");
  }
}

/** Whether the field was of the type that is expected here; otherwise it counts as unknown. */
function readField(
  reader: BinaryReader,
  wireType: WireType,
  message: Values,
  { name, field: [, kind, form] }: Named,
): boolean {
  const expected = wireTypeOf(kind, form);
  if (form === "list") {
    const list = message[name] as Value[]; // made by `empty`
    if (wireType === expected) list.push(readValue(reader, kind, undefined));
    else if (wireType === WireType.LengthDelimited) readPacked(reader, kind, list);
    else return false;
    return true;
  }
  if (wireType !== expected) return false;
  if (form === "map") readEntry(reader.bytes(), kind, message[name] as Map<string, Value>);
  // A message that comes twice is merged, says the format.
  else message[name] = readValue(reader, kind, message[name] as Value);
  return true;
}

function readPacked(reader: BinaryReader, kind: Kind, list: Value[]): void {
  const bytes = reader.bytes();
  const inner = new BinaryReader(bytes);
  while (inner.pos < bytes.length) {
    list.push(readValue(inner, kind, undefined));
    if (inner.pos > bytes.length) throw new RangeError("it ends within a field");
  }
}

function readEntry(bytes: Uint8Array, kind: Kind, map: Map<string, Value>): void {
  const entry: Schema<object> = { typeName: "", fields: { key: [1, "string"], value: [2, kind] } };
  const values = empty(entry);
  decodeInto(entry, values, bytes);
  const value = values["value"] ?? (typeof kind === "string" ? undefined : empty(kind));
  map.set(values["key"] as string, value as Value); // fields of the entry's own table
}

function readValue(reader: BinaryReader, kind: Kind, before: Value): Value {
  switch (kind) {
    case "string":
      return reader.string(true);
    case "bytes":
      return reader.bytes().slice(); // the connection's buffer is not kept alive by a few bytes of it
    case "bool":
      return reader.bool();
    case "uint32":
      return reader.uint32();
    case "int32":
    case "enum":
      return reader.int32();
    case "uint64":
      return BigInt(reader.uint64());
    case "int64":
      return BigInt(reader.int64());
    default: {
      const message = (before as Values | undefined) ?? empty(kind); // this kind's value is a message
      decodeInto(kind, message, reader.bytes());
      return message;
    }
  }
}

function encodeInto(writer: BinaryWriter, { fields }: Schema<object>, message: Values): void {
  for (const name in fields) {
    const [no, kind, form] = fields[name] as Field; // a name of its own
    const value = message[name];
    if (value === undefined) continue;
    if (form === "list") writeList(writer, no, kind, value as Value[]);
    else if (form === "map") writeMap(writer, no, kind, value as Map<string, Value>);
    else if (!isDefault(value as Value)) writeValue(writer, no, kind, value as Value);
  }
}

function isDefault(value: Value): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return value === "" || value === 0 || value === 0n || value === false;
}

function writeList(writer: BinaryWriter, no: number, kind: Kind, list: readonly Value[]): void {
  if (list.length === 0) return;
  if (wireTypeOf(kind, undefined) !== WireType.Varint) {
    for (const item of list) writeValue(writer, no, kind, item);
    return;
  }
  writer.tag(no, WireType.LengthDelimited).fork();
  for (const item of list) writeScalar(writer, kind as Scalar, item); // a varint is a scalar
  writer.join();
}

function writeMap(writer: BinaryWriter, no: number, kind: Kind, map: Map<string, Value>): void {
  for (const [key, value] of map) {
    writer.tag(no, WireType.LengthDelimited).fork();
    writeValue(writer, 1, "string", key);
    writeValue(writer, 2, kind, value);
    writer.join();
  }
}

function writeValue(writer: BinaryWriter, no: number, kind: Kind, value: Value): void {
  writer.tag(no, wireTypeOf(kind, undefined));
  if (typeof kind === "string") {
    writeScalar(writer, kind, value);
    return;
  }
  writer.fork();
  encodeInto(writer, kind, value as Values); // this kind's value is a message
  writer.join();
}

/** The writer throws for a value of another type, or outside the field's range. */
function writeScalar(writer: BinaryWriter, kind: Scalar, value: Value): void {
  switch (kind) {
    case "string":
      writer.string(value as string);
      return;
    case "bytes":
      writer.bytes(value as Uint8Array);
      return;
    case "bool":
      writer.bool(value as boolean);
      return;
    case "uint32":
      writer.uint32(value as number);
      return;
    case "int32":
    case "enum":
      writer.int32(value as number);
      return;
    case "uint64":
      writer.uint64(value as bigint);
      return;
    case "int64":
      writer.int64(value as bigint);
      return;
    default:
      kind satisfies never;
  }
}

function wireTypeOf(kind: Kind, form: Field[2]): WireType {
  return typeof kind === "string" && form !== "map" ? wireTypes[kind] : WireType.LengthDelimited;
}
