// SPDX-License-Identifier: Apache-2.0
/** A stream socket on which a connection carries one request: bounded in number, size and time. */
import { chmodSync, lstatSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { RuneError } from "../errors/error.ts";
import { socketAddress } from "./exchange.ts";
import { placeOf } from "./socket-file.ts";

export type ConnectionLimits = {
  readonly connections: number;
  /** From the connection to the complete request. */
  readonly requestMs: number;
  /** From the reply's sending to its being taken. */
  readonly replyMs: number;
};

/** docs/protocol/aesm.md and platform-service.md give the same figures. */
export const CONNECTION_LIMITS: ConnectionLimits = {
  connections: 1024,
  requestMs: 5000,
  replyMs: 5000,
};

/** Makes a request of what comes; what it throws ends the connection without a reply. */
export type RequestReader<Request> = {
  readonly push: (chunk: Uint8Array) => Request | undefined;
};

export type OneRequestOptions<Request> = {
  /** A path, `@name` for the abstract namespace, or the descriptor of a socket that listens already. */
  readonly socket: string | number;
  /** For each connection one. `write` sends what is no reply yet. */
  readonly reader: (write: (bytes: Uint8Array) => void) => RequestReader<Request>;
  /** The reply's bytes. What it throws ends the connection without a reply. */
  readonly answer: (request: Request) => Promise<Uint8Array>;
  readonly limits?: Partial<ConnectionLimits>;
  /** The socket's mode: whoever may write to it may ask. */
  readonly mode?: number;
  /** Told of each connection that was ended to make room for another. */
  readonly onCrowdedOut?: () => void;
};

export type Listener = {
  /** How many connections are open. */
  readonly connections: () => number;
  /** Stops listening, ends all connections and removes the socket, unless another is in its place. */
  readonly close: () => Promise<void>;
};

export async function listenForRequests<Request>(
  options: OneRequestOptions<Request>,
): Promise<Listener> {
  const { socket, mode = 0o666 } = options;
  const limits = { ...CONNECTION_LIMITS, ...options.limits };
  const path = typeof socket === "string" ? socketAddress(socket) : undefined;
  const open = new Map<Socket, Conversation>();
  const server = createServer({ allowHalfOpen: true }, (connection) => {
    if (open.size >= limits.connections) makeRoom(open, options.onCrowdedOut);
    if (open.size >= limits.connections) {
      connection.destroy();
      options.onCrowdedOut?.();
      return;
    }
    connection.on("close", () => open.delete(connection));
    open.set(connection, converse(connection, options, limits));
  });
  if (path === undefined) await listenOnce(server, { fd: Number(socket) });
  else await bind(server, String(socket), path);
  const file = path?.startsWith("\0") === false ? path : undefined;
  if (file !== undefined) chmodSync(file, mode);
  const place = file === undefined ? undefined : placeOf(file);
  return {
    connections: () => open.size,
    close: () =>
      new Promise((resolve) => {
        for (const connection of open.keys()) connection.destroy();
        if (place?.isOurs() === false) {
          // Closing would remove what is there now; nobody finds this socket any more.
          server.unref();
          resolve();
          return;
        }
        server.close(() => resolve());
        if (file !== undefined) rmSync(file, { force: true });
      }),
  };
}

type Conversation = { asked: boolean };

/**
 * Ends the connection that has been silent for longest: whoever opens many and says nothing would
 * otherwise keep everybody out for as long as the patience lasts.
 */
function makeRoom(open: Map<Socket, Conversation>, onCrowdedOut = () => {}): void {
  for (const [connection, { asked }] of open) {
    if (asked) continue;
    open.delete(connection);
    connection.destroy();
    onCrowdedOut();
    return;
  }
}

function converse<Request>(
  connection: Socket,
  { reader: makeReader, answer }: OneRequestOptions<Request>,
  limits: ConnectionLimits,
): Conversation {
  const reader = makeReader((bytes) => void connection.write(bytes));
  const conversation = { asked: false };
  let timer = setTimeout(() => connection.destroy(), limits.requestMs);
  connection.on("close", () => clearTimeout(timer));
  // A client may die at any time; "close" follows.
  connection.on("error", () => connection.destroy());
  connection.on("end", () => {
    if (!conversation.asked) connection.destroy();
  });

  const reply = async (request: Request) => {
    clearTimeout(timer);
    const bytes = await answer(request);
    if (connection.destroyed) return;
    timer = setTimeout(() => connection.destroy(), limits.replyMs);
    connection.end(bytes, () => connection.destroySoon());
  };
  connection.on("data", (chunk: Uint8Array) => {
    // What follows the request is not read as another: one request a connection.
    if (conversation.asked) return;
    try {
      const request = reader.push(chunk);
      if (request === undefined) return;
      conversation.asked = true;
      reply(request).catch(() => connection.destroy());
    } catch {
      connection.destroy();
    }
  });
  return conversation;
}

/** Takes the place of a socket file whose owner is gone, and of nothing else. */
async function bind(server: Server, socket: string, path: string): Promise<void> {
  try {
    await listenOnce(server, path);
  } catch (error) {
    if (path.startsWith("\0") || !(await isAbandoned(path))) throw inUse(socket, error);
    rmSync(path, { force: true });
    await listenOnce(server, path).catch((again) => {
      throw inUse(socket, again);
    });
  }
}

function listenOnce(server: Server, where: string | { readonly fd: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function isAbandoned(path: string): Promise<boolean> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true)
    return Promise.resolve(false);
  return new Promise((resolve) => {
    const probe = connect({ path });
    const end = (abandoned: boolean) => {
      probe.destroy();
      resolve(abandoned);
    };
    probe.on("connect", () => end(false));
    probe.on("error", (error: Error) => end("code" in error && error.code === "ECONNREFUSED"));
  });
}

function inUse(socket: string, error: unknown): RuneError {
  const reason = error instanceof Error ? error.message : String(error);
  return new RuneError({
    code: "SYSCALL",
    doing: `listen on \`${socket}\``,
    reason,
    hint: "another service may use it; its directory must exist",
    cause: error,
  });
}
