// SPDX-License-Identifier: Apache-2.0
/** The owner's own socket: docs/protocol/platform-service.md, "Control". Both sides. */
import { RuneError } from "../errors/error.ts";
import type { EnclaveRecord, Inheritance } from "./registry.ts";

export type Status = {
  readonly version: string;
  readonly instance: string;
  readonly cpuSvn: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly leases: number;
  readonly enclaves: number;
  /** 0: it never ends by itself. */
  readonly idleMs: number;
  readonly requests: number;
  /** The last one that was the service's own; absent where all went well. */
  readonly fault?: string;
};

export type ControlVerbs = {
  readonly status: () => Status;
  readonly enclaves: () => { readonly enclaves: readonly EnclaveRecord[] };
  readonly reset: () => object;
  readonly stop: () => object;
  readonly handover: () => Inheritance;
};

export const CONTROL_MAX_BYTES: number = 64 << 10;

/** The answer to what has come so far, one line; undefined before its end. */
export function answerControl(verbs: ControlVerbs, bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.at(-1) !== 0x0a) return undefined;
  return new TextEncoder().encode(`${JSON.stringify(perform(verbs, bytes))}\n`);
}

function perform(verbs: ControlVerbs, bytes: Uint8Array): object {
  try {
    const request: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const verb =
      typeof request === "object" && request !== null && "verb" in request ? request.verb : "";
    switch (verb) {
      case "status":
        return verbs.status();
      case "enclaves":
        return verbs.enclaves();
      case "reset":
        return verbs.reset();
      case "stop":
        return verbs.stop();
      case "handover":
        return verbs.handover();
      default:
        return { error: "there is no such verb" };
    }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

const ANSWER_MAX_BYTES = 64 << 20;
const ANSWER_MS = 10_000;

/** Asks a running service. @throws RuneError PLATFORM_SERVICE where none answers, or it refuses */
export async function askControl(socket: string, request: object): Promise<unknown> {
  const text = await exchange(socket, `${JSON.stringify(request)}\n`);
  let reply: unknown;
  try {
    reply = JSON.parse(text);
  } catch (cause) {
    throw unanswered(socket, "its answer is no JSON", cause);
  }
  if (typeof reply === "object" && reply !== null && "error" in reply) {
    throw unanswered(socket, String(reply.error));
  }
  return reply;
}

function exchange(path: string, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Uint8Array[] = [];
    let size = 0;
    const timer = setTimeout(() => fail("it is silent"), ANSWER_MS);
    const fail = (reason: string, cause?: unknown) => {
      clearTimeout(timer);
      reject(unanswered(path, reason, cause));
    };
    Bun.connect({
      unix: path,
      socket: {
        open: (socket) => void socket.write(request),
        data: (socket, chunk) => {
          size += chunk.length;
          if (size <= ANSWER_MAX_BYTES) parts.push(Uint8Array.from(chunk));
          else socket.terminate();
        },
        close: () => {
          clearTimeout(timer);
          if (size > ANSWER_MAX_BYTES) fail("its answer is too long");
          else resolve(new TextDecoder().decode(Buffer.concat(parts)));
        },
        error: (_, error) => fail(error.message, error),
        connectError: (_, error) => fail(reasonOf(error), error),
      },
    }).catch((error: unknown) => fail(reasonOf(error), error));
  });
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT" || code === "ECONNREFUSED") return "none runs";
  return error instanceof Error ? error.message : String(error);
}

function unanswered(socket: string, reason: string, cause?: unknown): RuneError {
  return new RuneError({
    code: "PLATFORM_SERVICE",
    doing: `ask the platform service at \`${socket}\``,
    reason,
    hint: "it runs while something uses the simulated platform; `sgx-tools platform start` starts it",
    ...(cause === undefined ? {} : { cause }),
  });
}
