// SPDX-License-Identifier: Apache-2.0
/** A manifest from an enclave's measured pages, for those who look at it. */
import { RuneError } from "../errors/error.ts";
import { toHex, viewOf } from "../sgx/bytes.ts";
import { DIRECTORY_FLAG, DIRECTORY_MODES, MANIFEST_FLAG, TAG } from "./encode-manifest.ts";
import type { Image } from "./image.ts";

export type ManifestView = {
  readonly name: string;
  readonly debug: boolean;
  readonly hostArguments: boolean;
  readonly hostReports: boolean;
  readonly arguments: readonly string[];
  readonly variables: readonly string[];
  readonly hostVariables: readonly string[];
  readonly directories: readonly string[];
  readonly trustedFiles: readonly string[];
  readonly listeners: readonly string[];
  readonly connections: readonly string[];
};

const CONFIG_BYTES = 128;

type Record = { readonly tag: number; readonly value: Uint8Array };

export function decodeManifest(image: Image): ManifestView {
  const pages = image.segments.find((segment) => segment.kind === "configuration")?.data;
  if (pages === undefined) throw fault("there is none");
  const records = readRecords(pages);
  const texts = (tag: number) =>
    records.filter((record) => record.tag === tag).map(({ value }) => textOf(value));
  const flags = records.find(({ tag }) => tag === TAG.flags)?.value[0] ?? 0;
  const shown = (tag: number, show: (value: Uint8Array) => string) =>
    records.filter((record) => record.tag === tag).map(({ value }) => show(value));
  return {
    name: texts(TAG.name)[0] ?? "",
    debug: (flags & MANIFEST_FLAG.debug) !== 0,
    hostArguments: (flags & MANIFEST_FLAG.hostArguments) !== 0,
    hostReports: (flags & MANIFEST_FLAG.hostReports) !== 0,
    arguments: texts(TAG.argument),
    variables: texts(TAG.variable),
    hostVariables: texts(TAG.allow),
    directories: shown(TAG.preopen, showDirectory),
    trustedFiles: shown(
      TAG.trustedFile,
      (value) => `${toHex(value.subarray(0, 32))} ${textOf(value.subarray(32))}`,
    ),
    listeners: shown(TAG.listen, showListener),
    connections: shown(TAG.connect, (value) => {
      const port = viewOf(value).getUint16(0, true);
      return `${textOf(value.subarray(2))}:${port === 0 ? "*" : port}`;
    }),
  };
}

function readRecords(pages: Uint8Array): Record[] {
  const bytes = viewOf(pages).getUint32(12, true);
  if (CONFIG_BYTES + bytes > pages.length) throw fault("it is longer than its pages");
  const all = pages.subarray(CONFIG_BYTES, CONFIG_BYTES + bytes);
  const records: Record[] = [];
  for (let at = 0; at < all.length; ) {
    if (all.length - at < 8) throw fault("it ends within a record");
    const length = viewOf(all).getUint32(at + 4, true);
    if (length > all.length - at - 8) throw fault("it ends within a record");
    const value = all.subarray(at + 8, at + 8 + length);
    records.push({ tag: viewOf(all).getUint16(at, true), value });
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return records;
}

function showDirectory(value: Uint8Array): string {
  if (value.length < 8) throw fault("a directory's record is too short");
  const mode = DIRECTORY_MODES[value[0] ?? 0] ?? "unknown";
  const flags = value[1] ?? 0;
  const end = 8 + viewOf(value).getUint16(2, true);
  const write = (flags & DIRECTORY_FLAG.write) !== 0 ? " write" : "";
  const key =
    mode === "protected"
      ? ` by ${(flags & DIRECTORY_FLAG.bySigner) !== 0 ? "signer" : "enclave"}`
      : "";
  return `${textOf(value.subarray(8, end))} = ${textOf(value.subarray(end))} ${mode}${key}${write}`;
}

function showListener(value: Uint8Array): string {
  if (value.length < 20) throw fault("a listener's record is too short");
  const port = viewOf(value).getUint16(0, true);
  if (value[2] === 4) return `${value.subarray(4, 8).join(".")}:${port}`;
  const groups = toHex(value.subarray(4, 20)).match(/.{4}/g) ?? [];
  return `[${groups.join(":")}]:${port}`;
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function fault(reason: string): RuneError {
  return new RuneError({ code: "SGX_FORMAT", doing: "read an enclave's manifest", reason });
}
