// SPDX-License-Identifier: Apache-2.0
/** Our encoder and decoder against protoc's, byte for byte, for every message there is. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from "../../src/aesm/codec.ts";
import {
  type AnyRequest,
  type AnyResponse,
  type Field,
  type Fields,
  requests,
  responses,
} from "../../src/aesm/schema.ts";

type Value = Uint8Array | number | bigint | boolean;
type Values = Readonly<Record<string, Value>>;

const program = Bun.which("protoc");
const why = program === null ? " (skipped: no protoc)" : "";

function protoc(action: "--encode" | "--decode", type: string, input: Uint8Array): Uint8Array {
  const child = Bun.spawnSync(
    [
      program ?? "protoc",
      `${action}=aesm.${type}`,
      "-I",
      import.meta.dir,
      join(import.meta.dir, "messages.proto"),
    ],
    { stdin: input, stdout: "pipe", stderr: "pipe", timeout: 20_000 },
  );
  if (child.exitCode !== 0) throw new Error(child.stderr.toString());
  return new Uint8Array(child.stdout);
}

/** protoc's text form of one message. */
function textOf(name: string, values: Values): string {
  const fields = Object.entries(values).map(([field, value]) => {
    if (!(value instanceof Uint8Array)) return `${field}: ${value}`;
    const octal = Array.from(value, (byte) => `\\${byte.toString(8).padStart(3, "0")}`);
    return `${field}: "${octal.join("")}"`;
  });
  return `${name} { ${fields.join(" ")} }`;
}

/** Values of each type that are awkward to encode: empty, small, long, all ones, the largest. */
const samples: Readonly<Record<Field["type"], readonly Value[]>> = {
  bytes: [
    new Uint8Array(),
    Uint8Array.of(0),
    new Uint8Array(127).fill(255),
    Uint8Array.from({ length: 3000 }, (_, at) => at & 255),
  ],
  u32: [0, 1, 300, 0xffff_ffff],
  u64: [0n, 1n, 2n ** 35n, 2n ** 64n - 1n],
  bool: [false, true, false, true],
};

function valuesOf(fields: Fields, sample: number, requiredOnly: boolean): Values {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, field]) => !requiredOnly || field.required === true)
      .map(([name, field], at) => [name, samples[field.type][(sample + at) % 4] ?? 0]),
  );
}

const cases = [
  ...[0, 1, 2, 3].map((sample) => ({ sample, requiredOnly: false })),
  { sample: 0, requiredOnly: true },
];

describe.skipIf(program === null)(`protoc${why}`, () => {
  for (const [name, { fields }] of Object.entries(requests)) {
    test(`request ${name}`, () => {
      for (const { sample, requiredOnly } of cases) {
        const value = valuesOf(fields, sample, requiredOnly);
        const request = { name, value } as unknown as AnyRequest; // made of the same tables
        const bytes = protoc("--encode", "Request", Buffer.from(textOf(name, value)));
        expect(encodeRequest(request)).toEqual(bytes);
        expect(decodeRequest(bytes)).toEqual(request);
      }
    });
  }
  for (const [name, { fields }] of Object.entries(responses)) {
    test(`reply ${name}`, () => {
      for (const { sample, requiredOnly } of cases) {
        const value = valuesOf(fields, sample, requiredOnly);
        const response = { name, value } as unknown as AnyResponse; // made of the same tables
        const bytes = protoc("--encode", "Response", Buffer.from(textOf(name, value)));
        expect(encodeResponse(response)).toEqual(bytes);
        expect(decodeResponse(bytes)).toEqual(response);
      }
    });
  }
  // Twice the member, fields out of order, a field twice; varints too long, and of 64 bits.
  for (const odd of [
    "1a060a0101120102 1a081a01030a01044801",
    "0a0448818000",
    "0a0b48ffffffffffffffffff01",
  ]) {
    test(`reads ${odd} as we do`, () => {
      const bytes = Uint8Array.from(Buffer.from(odd.replaceAll(" ", ""), "hex"));
      const text = new TextDecoder().decode(protoc("--decode", "Request", bytes));
      expect(encodeRequest(decodeRequest(bytes))).toEqual(
        protoc("--encode", "Request", Buffer.from(text)),
      );
    });
  }
});
