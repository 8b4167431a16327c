// SPDX-License-Identifier: Apache-2.0
/** Protocol buffers, proto2, for the tables of schema.ts. The wire format itself is a library's. */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { RuneError } from "../errors/error.ts";
import { protocolError } from "./errors.ts";
import {
  type AnyRequest,
  type AnyResponse,
  type Field,
  type Fields,
  type FieldType,
  requests,
  responses,
} from "./schema.ts";

export function encodeRequest(request: AnyRequest): Uint8Array {
  return encodeMember(requests[request.name], request.value);
}

export function encodeResponse(response: AnyResponse): Uint8Array {
  return encodeMember(responses[response.name], response.value);
}

/** Throws AESM_PROTOCOL unless the bytes are a request for exactly one known thing. */
export function decodeRequest(bytes: Uint8Array): AnyRequest {
  // The tables that the decoder follows are those the type is made of.
  return decodeMember(requests, bytes, "AESM request") as AnyRequest;
}

/** Throws AESM_PROTOCOL unless the bytes are one known reply. */
export function decodeResponse(bytes: Uint8Array): AnyResponse {
  // The tables that the decoder follows are those the type is made of.
  return decodeMember(responses, bytes, "AESM reply") as AnyResponse;
}

/** The number of the only member of a request that is not in the tables; undefined for all else. */
export function unknownRequestNumber(bytes: Uint8Array): number | undefined {
  const numbers = new Set<number>();
  readFields(bytes, "AESM request", (no, wireType, reader) => {
    numbers.add(no);
    reader.skip(wireType, no);
  });
  const [only] = numbers;
  const isKnown = Object.values(requests).some(({ no }) => no === only);
  return numbers.size === 1 && !isKnown ? only : undefined;
}

type Value = Uint8Array | number | bigint | boolean;
type Table = Readonly<Record<string, { readonly no: number; readonly fields: Fields }>>;
type Member = { readonly no: number; readonly fields: Fields };

const wireTypes: Readonly<Record<FieldType, WireType>> = {
  bytes: WireType.LengthDelimited,
  u32: WireType.Varint,
  u64: WireType.Varint,
  bool: WireType.Varint,
};

function encodeMember(member: Member, values: Readonly<Record<string, Value>>): Uint8Array {
  const writer = new BinaryWriter().tag(member.no, WireType.LengthDelimited).fork();
  for (const [name, field] of Object.entries(member.fields)) {
    const value = values[name];
    if (value === undefined) continue;
    writer.tag(field.no, wireTypes[field.type]);
    if (value instanceof Uint8Array) writer.bytes(value);
    else if (typeof value === "bigint") writer.uint64(value);
    else if (typeof value === "boolean") writer.bool(value);
    else writer.uint32(value);
  }
  return writer.join().finish();
}

function decodeMember(
  table: Table,
  bytes: Uint8Array,
  what: string,
): { name: string; value: object } {
  const found = new Map<string, Record<string, Value>>();
  readFields(bytes, what, (no, wireType, reader) => {
    const [name, member] = Object.entries(table).find(([, one]) => one.no === no) ?? [];
    if (name === undefined || member === undefined || wireType !== WireType.LengthDelimited) {
      reader.skip(wireType, no);
      return;
    }
    // A message that comes twice is merged, so the values gather in one object.
    const values = found.get(name) ?? {};
    found.set(name, values);
    decodeFields(member.fields, reader.bytes(), `${what} \`${name}\``, values);
  });
  const [only] = found;
  if (only === undefined) throw protocolError(`read ${what}`, "it holds no known message");
  if (found.size > 1) {
    throw protocolError(
      `read ${what}`,
      `it holds ${[...found.keys()].join(" and ")}, not one of them`,
    );
  }
  const [name, value] = only;
  requireFields(table[name]?.fields ?? {}, value, `${what} \`${name}\``);
  return { name, value };
}

function decodeFields(
  fields: Fields,
  bytes: Uint8Array,
  what: string,
  into: Record<string, Value>,
): void {
  readFields(bytes, what, (no, wireType, reader) => {
    const [name, field] = Object.entries(fields).find(([, one]) => one.no === no) ?? [];
    if (name === undefined || field === undefined || wireType !== wireTypes[field.type]) {
      reader.skip(wireType, no);
    } else {
      into[name] = readValue(field, reader);
    }
  });
}

function readValue(field: Field, reader: BinaryReader): Value {
  switch (field.type) {
    case "bytes":
      return reader.bytes().slice(); // the frame's buffer is not kept alive by a few bytes of it
    case "u32":
      return reader.uint32();
    case "u64":
      return BigInt(reader.uint64());
    case "bool":
      return reader.bool();
    default:
      return field.type satisfies never;
  }
}

function requireFields(
  fields: Fields,
  values: Readonly<Record<string, Value>>,
  what: string,
): void {
  for (const [name, field] of Object.entries(fields)) {
    if (field.required === true && values[name] === undefined) {
      throw protocolError(`read ${what}`, `required field \`${name}\` (${field.no}) is missing`);
    }
  }
}

/** Walks over a message. The reader throws for what is cut short, too long or nested too deep. */
function readFields(
  bytes: Uint8Array,
  what: string,
  take: (no: number, wireType: WireType, reader: BinaryReader) => void,
): void {
  const reader = new BinaryReader(bytes);
  try {
    while (reader.pos < bytes.length) {
      const [no, wireType] = reader.tag();
      take(no, wireType, reader);
      // Not every read of the library looks at the end; each must have ended inside.
      if (reader.pos > bytes.length) throw new RangeError("it ends within a field");
    }
  } catch (error) {
    if (error instanceof RuneError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw protocolError(`read ${what}`, `no protocol buffer: ${reason}`, error);
  }
}
