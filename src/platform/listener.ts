// SPDX-License-Identifier: Apache-2.0
/** A socket of the service's: one message a connection, bounded in number, size and time. */
import { chmodSync, rmSync } from "node:fs";
import { placeOf } from "../aesm/socket-file.ts";

export type Accepted = {
  /** SO_PEERCRED; 0 for a process that is not in this pid namespace. */
  readonly pid: number;
};

/** What makes of a connection's bytes a message, and of that an answer. */
export type Service = {
  /** The longest message. */
  readonly maxBytes: number;
  /**
   * Called with all that has come so far. Undefined: more is needed. What it throws ends the connection
   * without an answer.
   */
  readonly answer: (bytes: Uint8Array, peer: Accepted) => Uint8Array | undefined;
  readonly peerPid: (fd: number) => number;
};

export type ListenOptions = Service & {
  /** A path, or a descriptor that is listened on already. */
  readonly socket: string | number;
  readonly mode: number;
  readonly connections?: number;
  readonly patienceMs?: number;
  /** Told of every connection, whether or not a message comes. */
  readonly onConnection?: () => void;
  /** Told of each connection that was ended to make room for another. */
  readonly onCrowdedOut?: () => void;
};

export type Listening = {
  readonly connections: () => number;
  readonly close: () => void;
};

/** docs/protocol/platform-service.md gives the same figures. */
const CONNECTIONS = 1024;
const PATIENCE_MS = 5000;

type State = {
  readonly pid: number;
  received: Uint8Array;
  pending: Uint8Array | undefined;
  timer: ReturnType<typeof setTimeout>;
};

/** The precondition of a path: nobody listens there, because the caller has the lock. */
export function listen(options: ListenOptions): Listening {
  const { socket, mode, connections = CONNECTIONS } = options;
  const open = new Set<Bun.Socket<State>>();
  const forget = (connection: Bun.Socket<State>) => {
    if (open.delete(connection)) clearTimeout(connection.data.timer);
  };
  const handlers: Bun.SocketHandler<State> = {
    open(connection) {
      if (open.size >= connections) {
        options.onCrowdedOut?.();
        // As src/aesm/one-request.ts: the one that has been silent for longest makes room.
        const silent = [...open].find(({ data }) => data.pending === undefined) ?? connection;
        silent.terminate();
        if (silent === connection) return;
        forget(silent);
      }
      open.add(connection);
      options.onConnection?.();
      const patience = options.patienceMs ?? PATIENCE_MS;
      const timer = setTimeout(() => connection.terminate(), patience);
      // Bun's types do not know the descriptor that its sockets have.
      const { fd } = connection as unknown as { readonly fd: number };
      const pid = peerPid(options, fd);
      connection.data = { pid, received: new Uint8Array(), pending: undefined, timer };
    },
    data(connection, chunk) {
      if (!open.has(connection) || connection.data.pending !== undefined) return;
      receive(connection, chunk, options);
    },
    drain(connection) {
      if (open.has(connection)) flush(connection);
    },
    close: forget,
    error(connection) {
      connection.terminate();
    },
  };
  if (typeof socket === "string") rmSync(socket, { force: true });
  const server = listenOn(socket, handlers);
  if (typeof socket === "string") chmodSync(socket, mode);
  const place = typeof socket === "string" ? placeOf(socket) : undefined;
  return {
    connections: () => open.size,
    close: () => {
      if (place?.isOurs() === false) {
        // Stopping would remove what is there now; nobody finds this socket any more.
        for (const connection of open) connection.terminate();
        server.unref();
        return;
      }
      server.stop(true);
      if (typeof socket === "string") rmSync(socket, { force: true });
    },
  };
}

function listenOn(
  socket: string | number,
  handlers: Bun.SocketHandler<State>,
): Bun.SocketListener<State> {
  if (typeof socket === "string") return Bun.listen<State>({ unix: socket, socket: handlers });
  // The descriptor of an open socket is an option that Bun's types do not know.
  const options = { fd: socket, socket: handlers } as unknown as Bun.UnixSocketOptions<State>;
  return Bun.listen<State>(options) as unknown as Bun.SocketListener<State>;
}

function peerPid(options: Service, fd: number): number {
  try {
    return options.peerPid(fd);
  } catch {
    return 0; // it has gone already
  }
}

function receive(connection: Bun.Socket<State>, chunk: Uint8Array, service: Service): void {
  const state = connection.data;
  // Never more than the longest message is kept: what is longer is no message.
  if (state.received.length + chunk.length > service.maxBytes) {
    connection.terminate();
    return;
  }
  state.received = Buffer.concat([state.received, chunk]);
  try {
    const reply = service.answer(state.received, { pid: state.pid });
    if (reply === undefined) return;
    state.pending = reply;
  } catch {
    connection.terminate();
    return;
  }
  flush(connection);
}

function flush(connection: Bun.Socket<State>): void {
  const { pending } = connection.data;
  if (pending === undefined) return;
  const written = connection.write(pending);
  if (written < 0) connection.terminate();
  else if (written >= pending.length) connection.end();
  else connection.data.pending = pending.subarray(written);
}
