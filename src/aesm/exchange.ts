// SPDX-License-Identifier: Apache-2.0
/** One request and its reply over a Unix socket, docs/protocol/aesm.md. */
import { connect } from "node:net";
import { RuneError } from "../errors/error.ts";
import { protocolError } from "./errors.ts";
import { encodeFrame, frameReader } from "./frame.ts";

/** Where Intel's service listens. */
export const DEFAULT_SOCKET = "/var/run/aesmd/aesm.socket";
/** A service that has to provision or to fetch certificates first may need most of it. */
export const DEFAULT_TIMEOUT_MS = 30_000;
/** Quotes and white lists are of some kilobytes. */
const LONGEST_REPLY_BYTES = 1 << 20;
const SUN_PATH_BYTES = 108;
/** The one abstract name in use was bound at full length, zero bytes and all. */
const ZERO_FILLED_NAME = "sgx_aesm_socket_base";

/** A full queue of connections: EAGAIN of connect(2), which Bun reports as ECONNREFUSED. */
const REFUSALS = ["ECONNREFUSED", "EAGAIN"];
/** It is tried again after 10, 20, ... 320 ms, so that nobody waits long for a service that is down. */
const FIRST_PAUSE_MS = 10;
const LAST_PAUSE_MS = 320;

/** Sends a message and gives back the answer; how is its maker's affair. */
export type Exchange = (message: Uint8Array) => Promise<Uint8Array>;

export type ExchangeOptions = {
  /** A path, or `@name` for the abstract namespace. */
  readonly socket: string;
  /** For the whole exchange, so that no peer can stretch it by sending a little at a time. */
  readonly timeoutMs?: number;
};

export function unixExchange({
  socket,
  timeoutMs = DEFAULT_TIMEOUT_MS,
}: ExchangeOptions): Exchange {
  const path = socketAddress(socket);
  const doing = `ask AESM at \`${socket}\``;
  return async (message) => {
    const deadline = Date.now() + timeoutMs;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
      try {
        return await exchangeOnce(path, message, { doing, timeoutMs, deadline });
      } catch (error) {
        if (!isRefusal(error) || pauseMs > LAST_PAUSE_MS) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
}

type Attempt = { readonly doing: string; readonly timeoutMs: number; readonly deadline: number };

function exchangeOnce(
  path: string,
  message: Uint8Array,
  { doing, timeoutMs, deadline }: Attempt,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const reader = frameReader(LONGEST_REPLY_BYTES, "AESM reply");
    let connected = false;
    // Half open: a service that ends its side first still gets the request.
    const connection = connect({ path, allowHalfOpen: true });
    const end = (settle: () => void) => {
      clearTimeout(timer);
      connection.destroy();
      settle();
    };
    const fail = (error: RuneError) => end(() => reject(error));
    const timer = setTimeout(
      () => fail(silence(doing, timeoutMs, connected, reader.hasStarted())),
      Math.max(deadline - Date.now(), 0),
    );

    connection.on("connect", () => {
      connected = true;
      connection.write(encodeFrame(message));
    });
    connection.on("data", (chunk: Uint8Array) => {
      try {
        const reply = reader.push(chunk);
        if (reply !== undefined) end(() => resolve(reply));
      } catch (error) {
        fail(RuneError.from(error, doing).within(doing));
      }
    });
    const ended = () => fail(closed(doing, reader.hasStarted()));
    connection.on("end", ended);
    connection.on("close", ended);
    connection.on("error", (error: Error) =>
      fail(
        connected
          ? protocolError(doing, `the connection broke: ${error.message}`, error)
          : unreachable(doing, error),
      ),
    );
  });
}

/** Nothing has been sent then, so that it may be tried again. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof RuneError) || error.code !== "AESM_UNREACHABLE") return false;
  const { cause } = error;
  return cause instanceof Error && "code" in cause && REFUSALS.includes(String(cause.code));
}

/** What the kernel is given for a socket as users write it. */
export function socketAddress(socket: string): string {
  const doing = `use AESM socket \`${socket}\``;
  const address = socket.startsWith("@") ? `\0${socket.slice(1)}` : socket;
  if (Buffer.byteLength(address) > SUN_PATH_BYTES - (socket.startsWith("@") ? 0 : 1)) {
    throw new RuneError({ code: "USAGE", doing, reason: "a socket's name has at most 107 bytes" });
  }
  if (address.length < 2 || address.slice(1).includes("\0")) {
    throw new RuneError({ code: "USAGE", doing, reason: "expected a path, or @ and a name" });
  }
  return socket === `@${ZERO_FILLED_NAME}` ? address.padEnd(SUN_PATH_BYTES, "\0") : address;
}

function silence(
  doing: string,
  timeoutMs: number,
  connected: boolean,
  started: boolean,
): RuneError {
  const seconds = `${timeoutMs / 1000} s`;
  const reason = !connected
    ? `no connection within ${seconds}`
    : started
      ? `the reply was not complete within ${seconds}`
      : `no reply within ${seconds}`;
  return new RuneError({
    code: "AESM_PROTOCOL",
    doing,
    reason,
    hint: "see what the service is doing (journalctl -u aesmd), or wait longer with --timeout",
  });
}

function closed(doing: string, started: boolean): RuneError {
  return new RuneError({
    code: "AESM_PROTOCOL",
    doing,
    reason: started
      ? "the service closed the connection within its reply"
      : "the service closed the connection without a reply",
    hint: "it does so for requests that it does not understand, and when it is overloaded",
  });
}

function unreachable(doing: string, error: Error): RuneError {
  const code = "code" in error ? String(error.code) : "";
  const known: Readonly<Record<string, readonly [string, string]>> = {
    ENOENT: [
      "there is no such socket",
      "start the service (systemctl start aesmd), or name another with --aesm-socket; in a container, mount /var/run/aesmd",
    ],
    ECONNREFUSED: ["nobody listens on it", "start the service: systemctl start aesmd"],
    EAGAIN: ["its queue of connections is full", "try again later"],
    EACCES: [
      "permission denied",
      "the caller must be allowed to write to the socket and to enter its directory",
    ],
  };
  const [reason, hint] = known[code] ?? [
    error.message,
    "see whether the service runs: systemctl status aesmd",
  ];
  return new RuneError({
    code: "AESM_UNREACHABLE",
    doing,
    reason,
    hint,
    ...("errno" in error && typeof error.errno === "number"
      ? { errno: Math.abs(error.errno) }
      : {}),
    cause: error,
  });
}
