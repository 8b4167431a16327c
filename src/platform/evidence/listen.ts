// SPDX-License-Identifier: Apache-2.0
/** The HTTP side on a Unix socket: whoever reaches the platform's folder may read its collateral. */
import { chmodSync, rmSync } from "node:fs";
import type { Evidence } from "./evidence.ts";

export type EvidenceListener = {
  readonly close: () => Promise<void>;
};

/** Beside the platform's other sockets. */
export function evidenceSocket({ runtime }: { readonly runtime: string }): string {
  return `${runtime}/evidence.sock`;
}

/** Longest request body, in bytes; longer ones end with status 413. */
const LONGEST_BODY_BYTES = 64 << 10;

/**
 * Listens at `socket`, mode 0666. Precondition: the caller holds the lock of the platform's folder, so
 * that a socket which is there belongs to nobody. `onFault` is told of what clients only see as 500.
 */
export function listenEvidence(options: {
  readonly socket: string;
  readonly evidence: Evidence;
  readonly onRequest?: () => void;
  readonly onFault?: (error: unknown) => void;
}): EvidenceListener {
  const { socket, evidence, onRequest = () => {}, onFault = () => {} } = options;
  rmSync(socket, { force: true });
  const server = Bun.serve({
    unix: socket,
    maxRequestBodySize: LONGEST_BODY_BYTES,
    fetch: async (request: Request) => {
      onRequest();
      try {
        return await evidence.http(request);
      } catch (error) {
        onFault(error);
        return new Response(null, { status: 500 });
      }
    },
  });
  chmodSync(socket, 0o666);
  return {
    close: async () => {
      await server.stop(true);
      rmSync(socket, { force: true });
    },
  };
}
