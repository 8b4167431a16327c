// SPDX-License-Identifier: Apache-2.0
/**
 * Which connections stay. Each is for one request, which has to come in soon; where there is no room the one that
 * has kept its place longest without a whole request goes, so that those who send slowly keep nobody out.
 */
import type { Socket } from "node:net";

export type AdmissionLimits = {
  readonly connections: number;
  /** Of one address: one machine alone cannot take all places. */
  readonly perAddress: number;
  /** From the connection to the last byte of its request, with the handshake of TLS. */
  readonly requestMs: number;
  /** A connection's whole life, with the signing. */
  readonly connectionMs: number;
};

type Guest = { readonly address: string; isWaitedFor: boolean; deadline: Timer };

export class Admission {
  readonly #limits: AdmissionLimits;
  /** In the order in which they came. */
  readonly #guests = new Map<Socket, Guest>();

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /** Ends it, or an older one, where there are too many. */
  admit(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    const address = socket.remoteAddress ?? "";
    const { connections, perAddress, requestMs } = this.#limits;
    const neighbours = [...this.#guests.values()].filter((guest) => guest.address === address);
    const hasRoom =
      (neighbours.length < perAddress || this.#makeRoom(address)) &&
      (this.#guests.size < connections || this.#makeRoom());
    if (!hasRoom) {
      socket.destroy();
      return;
    }
    const deadline = setTimeout(() => this.#end(socket), requestMs);
    this.#guests.set(socket, { address, isWaitedFor: true, deadline });
    socket.on("close", () => this.#forget(socket));
  }

  /** Its request is in: from now on it is the server that takes its time. */
  received(socket: Socket): void {
    const guest = this.#guests.get(socket);
    if (guest === undefined) return;
    clearTimeout(guest.deadline);
    guest.isWaitedFor = false;
    guest.deadline = setTimeout(() => this.#end(socket), this.#limits.connectionMs);
  }

  /** Those whose answer is not sent yet send it first. */
  endAll(): void {
    for (const socket of this.#guests.keys()) socket.destroySoon();
  }

  #makeRoom(address?: string): boolean {
    for (const [socket, guest] of this.#guests) {
      if (!guest.isWaitedFor || (address !== undefined && guest.address !== address)) continue;
      this.#end(socket);
      return true;
    }
    return false;
  }

  #end(socket: Socket): void {
    this.#forget(socket);
    socket.destroy();
  }

  #forget(socket: Socket): void {
    clearTimeout(this.#guests.get(socket)?.deadline);
    this.#guests.delete(socket);
  }
}
