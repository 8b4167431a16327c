// SPDX-License-Identifier: Apache-2.0
/** A ttrpc server on a unix socket. */
import { RuneError } from "../errors/error.ts";
import { socketPath } from "./address.ts";
import { Budget, connectionLimit, type Limit, serverLimit } from "./budget.ts";
import { ServerConnection } from "./server-connection.ts";
import type { Service } from "./service.ts";

export type ServeOptions = {
  /** `unix:///path`, or the path; a file must not be there. */
  readonly address: string;
  readonly services: readonly Service[];
  readonly warn?: (message: string) => void;
  readonly limits?: { readonly connection?: Limit; readonly server?: Limit };
};

export type Server = {
  readonly connections: () => number;
  readonly requestsInFlight: () => number;
  /** Accepts nobody any more. */
  readonly stopListening: () => void;
  /** Stops listening, waits until answers have been sent, at most so long, and ends all connections. */
  readonly close: (graceMs?: number) => Promise<void>;
};

type Data = { connection: ServerConnection | undefined };

/** Throws TTRPC where nothing can listen there. */
export function serve({ address, services, warn = () => {}, limits = {} }: ServeOptions): Server {
  const path = socketPath(address);
  const byName = new Map(services.map((service) => [service.name, service]));
  const budget = new Budget(limits.server ?? serverLimit);
  const open = new Map<Bun.Socket<Data>, ServerConnection>();
  // From its first moment the socket is nobody else's.
  const umask = process.umask(0o177);
  let listener: Bun.UnixSocketListener<Data>;
  try {
    listener = Bun.listen<Data>({
      unix: path,
      data: { connection: undefined },
      socket: {
        open: (socket) => {
          const connection = new ServerConnection({
            socket,
            services: byName,
            budget: new Budget(limits.connection ?? connectionLimit, budget),
            warn,
          });
          socket.data = { connection };
          open.set(socket, connection);
        },
        data: (socket, chunk) => socket.data.connection?.push(chunk),
        drain: (socket) => socket.data.connection?.drained(),
        close: (socket) => {
          open.delete(socket);
          socket.data.connection?.ended();
        },
        error: (socket) => socket.terminate(),
      },
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RuneError({ code: "TTRPC", doing: `listen on \`${path}\``, reason, cause });
  } finally {
    process.umask(umask);
  }
  return {
    connections: () => open.size,
    requestsInFlight: () => budget.requests,
    stopListening: () => listener.stop(),
    close: async (graceMs = 0) => {
      listener.stop();
      if (graceMs > 0) {
        const idle = Promise.all([...open.values()].map((connection) => connection.idle()));
        await Promise.race([idle, Bun.sleep(graceMs)]);
      }
      listener.stop(true);
      for (const socket of open.keys()) socket.terminate();
    },
  };
}
