// SPDX-License-Identifier: Apache-2.0
/** The reports in a quote of the test authority's, before they are signed. */

export const QE_MRSIGNER = "8c4f5775d796503e96137f77c68a829a0056ac8ded70140b081b094490c57bff";
export const TDX_QE_MRSIGNER = "dc9e2a7c6f948f17474e34a7fc43ed030f7c1563f1babddf6340c82e0e54a8c5";

export function enclaveBody(): Uint8Array {
  const body = new Uint8Array(384);
  const view = new DataView(body.buffer);
  view.setBigUint64(48, 0x5n, true);
  view.setBigUint64(56, 0x3n, true);
  body.fill(0x11, 64, 96);
  body.fill(0x22, 128, 160);
  view.setUint16(256, 7, true);
  view.setUint16(258, 3, true);
  body.fill(0x33, 320, 384);
  return body;
}

export function tdBody(is15: boolean): Uint8Array {
  const body = new Uint8Array(is15 ? 648 : 584);
  body.set([5, 1, 3], 0);
  body.fill(0x44, 16, 64);
  new DataView(body.buffer).setBigUint64(120, 1n << 28n, true);
  body.fill(0x55, 136, 184);
  body.fill(0x66, 520, 584);
  if (is15) body.set([5, 1, 3], 584);
  return body;
}

export function qeBody(tdx: boolean): Uint8Array {
  const body = new Uint8Array(384);
  const view = new DataView(body.buffer);
  view.setBigUint64(48, 0x15n, true);
  view.setBigUint64(56, 0xe7n, true);
  body.set(Buffer.from(tdx ? TDX_QE_MRSIGNER : QE_MRSIGNER, "hex"), 128);
  view.setUint16(256, tdx ? 2 : 1, true);
  view.setUint16(258, 8, true);
  return body;
}

export function bodyPrefix(kind: "sgx" | "td10" | "td15", size: number): Uint8Array {
  return Buffer.concat([u16({ sgx: 1, td10: 2, td15: 3 }[kind]), u32(size)]);
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, value >> 8);
}

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** Preceded by its length. */
export function sized(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([u32(bytes.length), bytes]);
}
