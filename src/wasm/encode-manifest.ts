// SPDX-License-Identifier: Apache-2.0
/**
 * A manifest as the enclave reads it (native/wasm/shared/image.h): records one behind another,
 *
 *   @0 tag u16 | @2 zero u16 | @4 length u32 | @8 value, padded with zeros to a multiple of 8
 */
import { viewOf } from "../sgx/bytes.ts";
import type { Directory, Manifest } from "./manifest.ts";

export const TAG = {
  flags: 1,
  name: 2,
  argument: 3,
  variable: 4,
  allow: 5,
  preopen: 6,
  trustedFile: 7,
  listen: 8,
  connect: 9,
} as const;

export const MANIFEST_FLAG = { debug: 1, hostArguments: 2, hostReports: 4 } as const;
export const DIRECTORY_MODES = ["plain", "trusted", "protected"] as const;
export const DIRECTORY_FLAG = { write: 1, bySigner: 2 } as const;

/** `hostReports`: whether the host may have reports with data of its choice. */
export function encodeManifest(manifest: Manifest, hostReports: boolean): Uint8Array {
  const flags =
    (manifest.debug ? MANIFEST_FLAG.debug : 0) |
    (manifest.hostArguments ? MANIFEST_FLAG.hostArguments : 0) |
    (hostReports ? MANIFEST_FLAG.hostReports : 0);
  const records = [
    record(TAG.flags, Uint8Array.of(flags, 0, 0, 0)),
    record(TAG.name, manifest.name),
    ...(manifest.fixedArguments ?? []).map((text) => record(TAG.argument, text)),
    ...Object.entries(manifest.variables).map(([name, value]) =>
      record(TAG.variable, `${name}=${value}`),
    ),
    ...manifest.allowedVariables.map((name) => record(TAG.allow, name)),
    ...manifest.directories.flatMap(directoryRecords),
    ...manifest.listeners.map(({ address, port }) => {
      const value = new Uint8Array(20);
      viewOf(value).setUint16(0, port, true);
      value[2] = address.length === 4 ? 4 : 6;
      value.set(address, 4);
      return record(TAG.listen, value);
    }),
    ...manifest.connections.map((place) => {
      const [host = "", port = ""] = place.split(":");
      const name = new TextEncoder().encode(host);
      const value = new Uint8Array(2 + name.length);
      viewOf(value).setUint16(0, port === "*" ? 0 : Number(port), true);
      value.set(name, 2);
      return record(TAG.connect, value);
    }),
  ];
  return new Uint8Array(Buffer.concat(records));
}

function directoryRecords(directory: Directory): Uint8Array[] {
  const name = new TextEncoder().encode(directory.name);
  const path = new TextEncoder().encode(directory.path);
  const value = new Uint8Array(8 + name.length + path.length);
  const view = viewOf(value);
  value[0] = DIRECTORY_MODES.indexOf(directory.mode);
  value[1] =
    (directory.write ? DIRECTORY_FLAG.write : 0) |
    (directory.key === "signer" ? DIRECTORY_FLAG.bySigner : 0);
  view.setUint16(2, name.length, true);
  view.setUint16(4, path.length, true);
  value.set(name, 8);
  value.set(path, 8 + name.length);
  const files = directory.files.map(({ path: file, sha256 }) =>
    record(
      TAG.trustedFile,
      new Uint8Array(Buffer.concat([Buffer.from(sha256, "hex"), Buffer.from(file)])),
    ),
  );
  return [record(TAG.preopen, value), ...files];
}

function record(tag: number, value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  const whole = new Uint8Array(8 + Math.ceil(bytes.length / 8) * 8);
  viewOf(whole).setUint16(0, tag, true);
  viewOf(whole).setUint32(4, bytes.length, true);
  whole.set(bytes, 8);
  return whole;
}
