// SPDX-License-Identifier: Apache-2.0
/** The signature server's listener: HTTP, or HTTPS with client certificates; bounded in all it takes. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createPlainServer, type Socket } from "node:net";
import { createServer as createTlsServer, TLSSocket } from "node:tls";
import { RuneError } from "../errors/error.ts";
import { Admission, type AdmissionLimits } from "./admission.ts";
import { answer, type Routes } from "./routes.ts";

export type TlsFiles = {
  readonly certificate: string;
  readonly key: string;
  /** Who may have signed a client's certificate; undefined: clients show none. */
  readonly clientCa: string | undefined;
};

export type ServerOptions = {
  readonly routes: Routes;
  readonly host: string;
  readonly port: number;
  /** PEM texts. */
  readonly tls: TlsFiles | undefined;
  readonly limits?: Partial<Limits>;
  readonly warn: (message: string) => void;
};

export type Limits = AdmissionLimits & {
  readonly bodyBytes: number;
  /** Requests that are being signed at the same time. */
  readonly requests: number;
};

/** docs/protocol/signature.md gives the same figures. */
export const defaultLimits: Limits = {
  bodyBytes: 65_536,
  connections: 256,
  perAddress: 64,
  requests: 32,
  requestMs: 10_000,
  connectionMs: 60_000,
};

export type RunningServer = {
  readonly port: number;
  /** Lets requests finish. */
  readonly close: () => Promise<void>;
};

export async function listen(options: ServerOptions): Promise<RunningServer> {
  const { routes, host, port, tls, warn } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const admission = new Admission(limits);
  let running = 0;
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // Not counted until it is whole: whoever sends slowly keeps nobody from being served.
    const body = await readBody(request, limits.bodyBytes);
    admission.received(request.socket);
    if (running >= limits.requests) {
      send(response, request, { status: 503, type: "text/plain", body: "busy\n" });
      return;
    }
    running++;
    await respond(request, response, routes, body, limits).finally(() => {
      running--;
    });
  };
  // It listens nowhere: what comes by way of Bun's own HTTPS does not tell whose certificate it was.
  const http = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      // What its sender has broken off is nobody's trouble.
      if (!request.socket.destroyed) warn(String(error));
      response.destroy();
    });
  });
  const accept = (socket: Socket) => void http.emit("connection", socket);
  const server =
    tls === undefined
      ? createPlainServer(accept)
      : createTlsServer(
          {
            cert: tls.certificate,
            key: tls.key,
            minVersion: "TLSv1.2",
            handshakeTimeout: limits.requestMs,
            ...(tls.clientCa === undefined
              ? {}
              : { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }),
          },
          accept,
        );
  // Before the handshake, which may be slow as well.
  server.prependListener("connection", (socket: Socket) => admission.admit(socket));
  // A client without the right certificate, or that speaks no TLS: its connection has ended.
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  }).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const doing = `listen on \`${host}:${port}\``;
    throw new RuneError({ code: "SIGNATURE", doing, reason, cause });
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      while (running > 0) await Bun.sleep(5);
      admission.endAll();
      await closed;
    },
  };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Routes,
  body: Uint8Array | undefined,
  limits: Limits,
): Promise<void> {
  if (body === undefined) {
    const reason = `more than ${limits.bodyBytes} bytes\n`;
    send(response, request, { status: 413, type: "text/plain", body: reason });
    return;
  }
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  const { method = "GET", socket } = request;
  const asked = { method, path, body, peer: peerOf(socket) };
  send(response, request, await answer(routes, asked));
}

function send(
  response: ServerResponse,
  { method }: IncomingMessage,
  { status, type, body }: { status: number; type: string; body: string },
): void {
  const bytes = Buffer.from(body);
  const about = { "Content-Type": type, "Content-Length": bytes.length, Connection: "close" };
  response.writeHead(status, about);
  response.end(method === "HEAD" ? undefined : bytes);
}

/** Undefined where it is longer than the limit; no more of it is kept then. */
async function readBody(request: IncomingMessage, most: number): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += part.length;
    if (bytes > most) return undefined;
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}

function peerOf(socket: IncomingMessage["socket"]): Record<string, string> {
  const address = socket.remoteAddress ?? "";
  if (!(socket instanceof TLSSocket)) return { address };
  const certificate = socket.getPeerCertificate();
  if (certificate?.subject === undefined) return { address };
  const subject = Object.entries(certificate.subject)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  return { address, subject, fingerprint: certificate.fingerprint256 };
}
