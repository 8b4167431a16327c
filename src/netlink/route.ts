// SPDX-License-Identifier: Apache-2.0
/** Network devices and their addresses through rtnetlink(7), in the caller's network namespace. */
import { RuneError } from "../errors/error.ts";
import { errnoText } from "../kernel/errno.ts";
import type { Fd, Kernel } from "../kernel/kernel.ts";
import {
  type Attribute,
  decodeAttributes,
  decodeMessages,
  encodeMessage,
  encodePayload,
  type Message,
  malformed,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  viewOf,
} from "./message.ts";

const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;

const IFLA_IFNAME = 3;
const IFLA_NET_NS_FD = 28;
const IFF_UP = 1;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const IFA_FLAGS = 8;
const IFA_RT_PRIORITY = 9;
/** What of an address is the address, and not the device's or the moment's (IFA_LABEL, IFA_CACHEINFO). */
const kept: readonly number[] = [IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST, IFA_FLAGS, IFA_RT_PRIORITY];
const IFA_F_PERMANENT = 0x80;
const RT_SCOPE_UNIVERSE = 0;

/** struct ifinfomsg: family u8@0, type u16@2, index i32@4, flags u32@8, change u32@12. */
const linkBytes = 16;
/** struct ifaddrmsg: family u8@0, prefixlen u8@1, flags u8@2, scope u8@3, index u32@4. */
const addressBytes = 8;

/** Larger than any packet of the kernel (NLMSG_GOODSIZE and the 32 KiB of a dump). */
const packetMaxBytes = 64 << 10;

export type Device = {
  /** Its number in the network namespace. */
  readonly index: number;
  readonly isUp: boolean;
};

export class RouteClient implements Disposable {
  readonly #kernel: Kernel;
  readonly #socket: Fd;
  #sequence = 0;

  /** In the caller's network namespace, or in an open one. */
  constructor(kernel: Kernel, namespace?: Fd) {
    this.#kernel = kernel;
    this.#socket = kernel.routeSocket(namespace);
  }

  [Symbol.dispose](): void {
    this.#kernel.close(this.#socket);
  }

  /** Finds a device. @throws RuneError with ENODEV */
  device(name: string): Device {
    const wanted = [{ type: IFLA_IFNAME, value: nameBytes(name) }];
    const [found] = this.#ask(RTM_GETLINK, 0, encodePayload(linkHeader(0), wanted));
    if (found === undefined || found.payload.length < linkBytes) throw malformed();
    const view = viewOf(found.payload);
    return { index: view.getInt32(4, true), isUp: (view.getUint32(8, true) & IFF_UP) !== 0 };
  }

  /**
   * Requests that give another device the permanent addresses of global scope that this one has, as
   * RTM_NEWADDR messages whose index is 0: whoever sends them fills it in. Others belong to the host, or
   * to the network that it is in.
   */
  addressesToKeep(index: number): Uint8Array[] {
    return this.#ask(RTM_GETADDR, NLM_F_DUMP, new Uint8Array(addressBytes)).flatMap(
      ({ payload }) => {
        if (payload.length < addressBytes) throw malformed();
        const view = viewOf(payload);
        const attributes = decodeAttributes(payload, addressBytes);
        const isKept =
          view.getUint32(4, true) === index &&
          payload[3] === RT_SCOPE_UNIVERSE &&
          (addressFlags(payload, attributes) & IFA_F_PERMANENT) !== 0;
        return isKept ? [newAddress(payload, attributes)] : [];
      },
    );
  }

  /** Puts a device into another, open network namespace, under a name; it is down then. */
  move(index: number, namespace: Fd, name: string): void {
    const header = linkHeader(index);
    viewOf(header).setUint32(12, IFF_UP, true); // changed to what the flags say: down
    const target = new Uint8Array(4);
    viewOf(target).setUint32(0, namespace, true);
    const attributes = [
      { type: IFLA_NET_NS_FD, value: target },
      { type: IFLA_IFNAME, value: nameBytes(name) },
    ];
    this.#ask(RTM_NEWLINK, NLM_F_ACK, encodePayload(header, attributes));
  }

  /** Sends requests of {@link addressesToKeep} for a device. */
  giveAddresses(index: number, requests: readonly Uint8Array[]): void {
    for (const { type, payload } of requests.flatMap(decodeMessages)) {
      const own = payload.slice();
      viewOf(own).setUint32(4, index, true);
      this.#ask(type, NLM_F_ACK, own);
    }
  }

  bringUp(index: number): void {
    const header = linkHeader(index);
    viewOf(header).setUint32(8, IFF_UP, true);
    viewOf(header).setUint32(12, IFF_UP, true);
    this.#ask(RTM_NEWLINK, NLM_F_ACK, header);
  }

  /** Sends a request; what the kernel answers, without the acknowledgement. */
  #ask(type: number, flags: number, payload: Uint8Array): Message[] {
    const sequence = ++this.#sequence;
    const request = { type, flags: flags | NLM_F_REQUEST, sequence, payload };
    this.#kernel.write(this.#socket, encodeMessage(request));
    const answers: Message[] = [];
    for (;;) {
      const packet = this.#kernel.read(this.#socket, packetMaxBytes);
      if (packet.length === 0) throw malformed();
      for (const message of decodeMessages(packet)) {
        if (message.sequence !== sequence) continue;
        if (message.type === NLMSG_DONE) return answers;
        if (message.type === NLMSG_ERROR) {
          refuseError(message);
          return answers;
        }
        answers.push(message);
      }
      // One answer, and nothing that says so.
      if ((flags & (NLM_F_DUMP | NLM_F_ACK)) === 0 && answers.length > 0) return answers;
    }
  }
}

/** struct nlmsgerr: error i32@0, 0 or -errno. */
function refuseError({ payload }: Message): void {
  if (payload.length < 4) throw malformed();
  const errno = -viewOf(payload).getInt32(0, true);
  if (errno === 0) return;
  throw new RuneError({ code: "SYSCALL", doing: "rtnetlink", reason: errnoText(errno), errno });
}

function linkHeader(index: number): Uint8Array {
  const header = new Uint8Array(linkBytes);
  viewOf(header).setInt32(4, index, true);
  return header;
}

function nameBytes(name: string): Uint8Array {
  return new TextEncoder().encode(`${name}\0`);
}

/** IFA_FLAGS has all of them, the header the low eight. */
function addressFlags(payload: Uint8Array, attributes: readonly Attribute[]): number {
  const whole = attributes.find(({ type }) => type === IFA_FLAGS)?.value;
  if (whole?.length === 4) return viewOf(whole).getUint32(0, true);
  return payload[2] ?? 0;
}

function newAddress(payload: Uint8Array, attributes: readonly Attribute[]): Uint8Array {
  const header = payload.slice(0, addressBytes);
  viewOf(header).setUint32(4, 0, true);
  const some = attributes.filter(({ type }) => kept.includes(type));
  return encodeMessage({
    type: RTM_NEWADDR,
    flags: NLM_F_REQUEST | NLM_F_ACK,
    sequence: 1,
    payload: encodePayload(header, some),
  });
}
