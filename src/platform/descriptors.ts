// SPDX-License-Identifier: Apache-2.0
/** How many connections a socket may hold, so that no one socket takes all descriptors. */
import { readFileSync } from "node:fs";
import { CONNECTION_LIMITS } from "../aesm/one-request.ts";

/** The engine's own, the listening sockets, and files that are open for a moment. */
const RESERVED = 64;
const FEWEST = 8;

/**
 * Each of `sockets` gets the same share of what the process may open: where accept(2) fails for want
 * of descriptors (EMFILE), nobody is served on any of them.
 */
export function connectionShare(sockets: number, openFiles: number = mayOpen()): number {
  const share = Math.floor((openFiles - RESERVED) / sockets);
  return Math.max(FEWEST, Math.min(CONNECTION_LIMITS.connections, share));
}

/** The soft limit, which the engine has raised as far as it may. */
function mayOpen(): number {
  const limits = readFileSync("/proc/self/limits", "latin1");
  const soft = /^Max open files +(\d+|unlimited)/m.exec(limits)?.[1];
  return soft === undefined || soft === "unlimited" ? Number.MAX_SAFE_INTEGER : Number(soft);
}
