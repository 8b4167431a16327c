// SPDX-License-Identifier: Apache-2.0
/** A client of the service's sockets, as any program can be one. */
import { connect, type Socket } from "node:net";
import { CODE, encodeRequest } from "../../src/platform/frame.ts";

export const hello = encodeRequest({ code: CODE.HELLO, payload: new Uint8Array() });

/** All that comes back, as long as the service leaves the connection open. */
export async function exchange(path: string, bytes: Uint8Array): Promise<Buffer> {
  for (;;) {
    const reply = await exchangeOnce(path, bytes);
    if (reply !== undefined) return reply;
    await Bun.sleep(20); // the socket's queue was full
  }
}

export function exchangeOnce(path: string, bytes: Uint8Array): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let refused = false;
    const socket = connect({ path }, () => socket.write(bytes));
    socket.on("data", (chunk: Buffer) => parts.push(chunk));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      refused = error.code === "ECONNREFUSED" || error.code === "EAGAIN";
    });
    socket.on("close", () => resolve(refused ? undefined : Buffer.concat(parts)));
  });
}

/** Connects and says nothing; undefined where the queue was full. */
export function idler(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ path }, () => resolve(socket));
    socket.on("error", () => resolve(undefined));
  });
}
