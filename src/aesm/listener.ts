// SPDX-License-Identifier: Apache-2.0
/** The service's socket: one request a connection, bounded in number, size and time. */
import { chmodSync, lstatSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { RuneError } from "../errors/error.ts";
import { socketAddress } from "./exchange.ts";
import { encodeFrame, frameReader } from "./frame.ts";

export type ListenerLimits = {
  readonly requestBytes: number;
  readonly connections: number;
  /** From the connection to the complete request. */
  readonly requestMs: number;
  /** From the reply's sending to its being taken. */
  readonly replyMs: number;
};

/** docs/protocol/aesm.md gives the same figures. */
export const DEFAULT_LIMITS: ListenerLimits = {
  requestBytes: 65_536,
  connections: 1024,
  requestMs: 5000,
  replyMs: 5000,
};

export type ListenOptions = {
  /** A path, `@name` for the abstract namespace, or the descriptor of a socket that listens already. */
  readonly socket: string | number;
  /** A request's message in, the reply's out. What it throws ends the connection without a reply. */
  readonly answer: (message: Uint8Array) => Promise<Uint8Array>;
  readonly limits?: Partial<ListenerLimits>;
  /** The socket's mode: whoever may write to it may ask. Intel's is open to all. */
  readonly mode?: number;
};

export type Listener = {
  /** How many connections are open. */
  readonly connections: () => number;
  /** Stops listening, ends all connections and removes the socket. */
  readonly close: () => Promise<void>;
};

export async function listen(options: ListenOptions): Promise<Listener> {
  const { socket, answer, mode = 0o666 } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const path = typeof socket === "string" ? socketAddress(socket) : undefined;
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (connection) => {
    if (open.size >= limits.connections) {
      connection.destroy();
      return;
    }
    open.add(connection);
    connection.on("close", () => open.delete(connection));
    serve(connection, answer, limits);
  });
  if (path === undefined) await listenOnce(server, { fd: Number(socket) });
  else await bind(server, String(socket), path);
  const file = path?.startsWith("\0") === false ? path : undefined;
  if (file !== undefined) chmodSync(file, mode);
  return {
    connections: () => open.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of open) connection.destroy();
        if (file !== undefined) rmSync(file, { force: true });
      }),
  };
}

function serve(connection: Socket, answer: ListenOptions["answer"], limits: ListenerLimits): void {
  const reader = frameReader(limits.requestBytes, "AESM request");
  let asked = false;
  let timer = setTimeout(() => connection.destroy(), limits.requestMs);
  connection.on("close", () => clearTimeout(timer));
  // A client may die at any time; "close" follows.
  connection.on("error", () => connection.destroy());
  connection.on("end", () => {
    if (!asked) connection.destroy();
  });

  const reply = async (request: Uint8Array) => {
    clearTimeout(timer);
    const message = await answer(request);
    if (connection.destroyed) return;
    timer = setTimeout(() => connection.destroy(), limits.replyMs);
    connection.end(encodeFrame(message), () => connection.destroySoon());
  };
  connection.on("data", (chunk: Uint8Array) => {
    // What follows the request is not read as another: one request a connection.
    if (asked) return;
    try {
      const request = reader.push(chunk);
      if (request === undefined) return;
      asked = true;
      reply(request).catch(() => connection.destroy());
    } catch {
      connection.destroy();
    }
  });
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
