// SPDX-License-Identifier: Apache-2.0
/**
 * Netlink messages (RFC 3549, section 2.3; include/uapi/linux/netlink.h).
 *
 *     length u32@0  type u16@4  flags u16@6  sequence u32@8  port u32@12  payload@16
 *
 * In the payload a fixed structure is followed by attributes, each on a multiple of four:
 *
 *     length u16@0 (with this header)  type u16@2  value@4
 */
import { RuneError } from "../errors/error.ts";

const headerBytes = 16;
const attributeHeaderBytes = 4;
/** NLA_F_NESTED and NLA_F_NET_BYTEORDER, which are no part of the type. */
const typeMask = 0x3fff;

export const NLM_F_REQUEST = 1;
export const NLM_F_ACK = 4;
export const NLM_F_DUMP = 0x300;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

export type Attribute = { readonly type: number; readonly value: Uint8Array };

export type Message = {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
};

export function encodeMessage({ type, flags, sequence, payload }: Message): Uint8Array {
  const bytes = new Uint8Array(headerBytes + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, sequence, true);
  bytes.set(payload, headerBytes);
  return bytes;
}

/** A fixed structure and the attributes behind it. */
export function encodePayload(fixed: Uint8Array, attributes: readonly Attribute[]): Uint8Array {
  const size = attributes.reduce(
    (sum, { value }) => sum + aligned(attributeHeaderBytes + value.length),
    aligned(fixed.length),
  );
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  bytes.set(fixed);
  let at = aligned(fixed.length);
  for (const { type, value } of attributes) {
    view.setUint16(at, attributeHeaderBytes + value.length, true);
    view.setUint16(at + 2, type, true);
    bytes.set(value, at + attributeHeaderBytes);
    at += aligned(attributeHeaderBytes + value.length);
  }
  return bytes;
}

/** The messages of one packet. @throws RuneError where a length does not fit */
export function decodeMessages(packet: Uint8Array): Message[] {
  const messages: Message[] = [];
  const view = viewOf(packet);
  for (let at = 0; at < packet.length; ) {
    const length = packet.length - at < headerBytes ? 0 : view.getUint32(at, true);
    if (length < headerBytes || length > packet.length - at) throw malformed();
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      payload: packet.subarray(at + headerBytes, at + length),
    });
    at += aligned(length);
  }
  return messages;
}

/** The attributes behind a structure of `fixedBytes`. @throws RuneError where a length does not fit */
export function decodeAttributes(payload: Uint8Array, fixedBytes: number): Attribute[] {
  const attributes: Attribute[] = [];
  const view = viewOf(payload);
  for (let at = aligned(fixedBytes); at < payload.length; ) {
    const left = payload.length - at;
    const length = left < attributeHeaderBytes ? 0 : view.getUint16(at, true);
    if (length < attributeHeaderBytes || length > left) throw malformed();
    attributes.push({
      type: view.getUint16(at + 2, true) & typeMask,
      value: payload.subarray(at + attributeHeaderBytes, at + length),
    });
    at += aligned(length);
  }
  return attributes;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function malformed(): RuneError {
  const reason = "a message of the kernel is malformed";
  return new RuneError({ code: "SYSCALL", doing: "read netlink", reason });
}

function aligned(size: number): number {
  return (size + 3) & ~3;
}
