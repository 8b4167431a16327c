// SPDX-License-Identifier: Apache-2.0
/** Requests to criu and its answers as bytes: protobuf, as criu's `rpc.proto` defines it. */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { RuneError } from "../errors/error.ts";
import {
  compoundFields,
  type Field,
  type RequestType,
  requestTypes,
  scalarFields,
} from "./fields.ts";

type Scalar<F extends Field> = F[1] extends "bool" ? boolean : F[1] extends "int" ? number : string;

/** criu_opts, as far as rune uses it; what is absent is criu's own choice. */
export type CriuOptions = {
  readonly [Name in keyof typeof scalarFields]?: Scalar<(typeof scalarFields)[Name]>;
} & {
  readonly pageServer?: { readonly address: string; readonly port: number };
  /** On dump mount point and name, on restore name and source. */
  readonly externalMounts?: readonly { readonly key: string; readonly value: string }[];
  readonly cgroupRoots?: readonly { readonly controllers: string; readonly path: string }[];
  /** Descriptors of criu's own process that stand for what was external. */
  readonly inheritedFds?: readonly { readonly key: string; readonly fd: number }[];
  /** Such as `net[INODE]:KEY`. */
  readonly externals?: readonly string[];
  readonly joinedNamespaces?: readonly { readonly type: string; readonly path: string }[];
};

export type Feature = "memTrack" | "lazyPages";

export type CriuRequest =
  | {
      readonly type: Extract<RequestType, "dump" | "preDump" | "restore">;
      readonly options: CriuOptions;
    }
  | { readonly type: "notify" }
  | { readonly type: "version" }
  | { readonly type: "featureCheck" };

export type CriuResponse = {
  readonly type: RequestType;
  readonly success: boolean;
  /** The root process of what was restored. */
  readonly pid?: number;
  readonly notify?: { readonly script: string; readonly pid: number };
  readonly errno?: number;
  readonly message?: string;
  readonly features?: Readonly<Record<Feature, boolean>>;
  /** 31701 for 3.17.1. */
  readonly version?: number;
};

export function encodeRequest(request: CriuRequest): Uint8Array<ArrayBuffer> {
  const w = new BinaryWriter();
  w.tag(1, WireType.Varint).int32(requestTypes[request.type]);
  if (request.type === "notify") w.tag(3, WireType.Varint).bool(true);
  if (request.type === "featureCheck") {
    w.tag(5, WireType.LengthDelimited).fork();
    writeBool(w, 1, true);
    writeBool(w, 2, true);
    w.join();
  }
  if ("options" in request) {
    w.tag(2, WireType.LengthDelimited).fork();
    writeOptions(w, request.options);
    w.join();
  }
  return w.finish();
}

function writeOptions(w: BinaryWriter, options: CriuOptions): void {
  for (const [name, [number, kind]] of Object.entries(scalarFields)) {
    const value = options[name as keyof typeof scalarFields]; // a key of just this table
    if (value === undefined) continue;
    if (kind === "text") writeText(w, number, String(value));
    else if (kind === "bool") writeBool(w, number, value === true);
    else w.tag(number, WireType.Varint).int32(Number(value));
  }
  if (options.pageServer !== undefined) {
    const { address, port } = options.pageServer;
    pair(w, compoundFields.pageServer, address, port);
  }
  for (const { key, value } of options.externalMounts ?? []) {
    pair(w, compoundFields.externalMounts, key, value);
  }
  for (const { controllers, path } of options.cgroupRoots ?? []) {
    pair(w, compoundFields.cgroupRoots, controllers, path);
  }
  for (const { key, fd } of options.inheritedFds ?? []) {
    pair(w, compoundFields.inheritedFds, key, fd);
  }
  for (const text of options.externals ?? []) writeText(w, compoundFields.externals, text);
  for (const { type, path } of options.joinedNamespaces ?? []) {
    pair(w, compoundFields.joinedNamespaces, type, path);
  }
}

/** All messages in criu_opts have a string as field 1 and one more value as field 2. */
function pair(w: BinaryWriter, number: number, first: string, second: string | number): void {
  w.tag(number, WireType.LengthDelimited).fork();
  writeText(w, 1, first);
  if (typeof second === "string") writeText(w, 2, second);
  else w.tag(2, WireType.Varint).int32(second);
  w.join();
}

function writeBool(w: BinaryWriter, number: number, value: boolean): void {
  w.tag(number, WireType.Varint).bool(value);
}

function writeText(w: BinaryWriter, number: number, text: string): void {
  w.tag(number, WireType.LengthDelimited).string(text);
}

/** @throws RuneError CRIU for what is no response */
export function decodeResponse(bytes: Uint8Array): CriuResponse {
  let response: { type?: RequestType; success?: boolean } & Omit<CriuResponse, "type" | "success">;
  try {
    response = readResponse(bytes);
  } catch (cause) {
    throw malformed(String(cause));
  }
  const { type, success } = response;
  if (type === undefined || success === undefined) throw malformed("type or result are missing");
  return { ...response, type, success };
}

type Mutable<T> = { -readonly [Key in keyof T]?: T[Key] };

function readResponse(bytes: Uint8Array): Mutable<CriuResponse> {
  const response: Mutable<CriuResponse> = {};
  fields(new BinaryReader(bytes), {
    1: (r) => {
      const number = r.int32();
      for (const [name, known] of Object.entries(requestTypes)) {
        if (known === number) response.type = name as RequestType; // a key of just this table
      }
    },
    2: (r) => {
      response.success = r.bool();
    },
    4: (r) => {
      response.pid = readNumbers(r)[1] ?? 0;
    },
    5: (r) => {
      let script = "";
      let pid = 0;
      within(r, {
        1: () => {
          script = r.string();
        },
        2: () => {
          pid = r.int32();
        },
      });
      response.notify = { script, pid };
    },
    7: (r) => {
      response.errno = r.int32();
    },
    8: (r) => {
      const numbers = readNumbers(r);
      response.features = { memTrack: numbers[1] === 1, lazyPages: numbers[2] === 1 };
    },
    9: (r) => {
      response.message = r.string();
    },
    10: (r) => {
      const { 1: major = 0, 2: minor = 0, 4: sublevel = 0 } = readNumbers(r);
      response.version = versionNumber(major, minor, sublevel);
    },
  });
  return response;
}

/** As criu itself writes versions in one number. */
export function versionNumber(major: number, minor: number, sublevel = 0): number {
  return 10000 * major + 100 * minor + sublevel;
}

type Readers = Readonly<Record<number, (r: BinaryReader) => void>>;

function fields(r: BinaryReader, readers: Readers, end = r.len): void {
  while (r.pos < end) {
    const [number, type] = r.tag();
    const read = readers[number];
    if (read === undefined) r.skip(type, number);
    else read(r);
  }
}

/** A message in a field. */
function within(r: BinaryReader, readers: Readers): void {
  const size = r.uint32();
  const end = r.pos + size;
  if (end > r.len) throw new RangeError("a message is longer than what is around it");
  fields(r, readers, end);
}

/** The numbers of a message in a field; what is no number is skipped. */
function readNumbers(r: BinaryReader): Record<number, number> {
  const numbers: Record<number, number> = {};
  const end = r.uint32() + r.pos;
  if (end > r.len) throw new RangeError("a message is longer than what is around it");
  while (r.pos < end) {
    const [number, type] = r.tag();
    if (type === WireType.Varint) numbers[number] = r.int32();
    else r.skip(type, number);
  }
  return numbers;
}

function malformed(reason: string): RuneError {
  return new RuneError({ code: "CRIU", doing: "read criu's answer", reason });
}
