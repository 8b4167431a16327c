// SPDX-License-Identifier: Apache-2.0
/** Addresses of ttrpc servers: docs/protocol/ttrpc.md, "Addresses". */
import { RuneError } from "../errors/error.ts";

/** The kernel's: sun_path is 108 bytes with its NUL. */
const maxPathBytes = 107;

/** The socket's path. Throws TTRPC for another kind of address. */
export function socketPath(address: string): string {
  const path = address.startsWith("unix://") ? address.slice("unix://".length) : address;
  const doing = `use the address \`${address}\``;
  if (!path.startsWith("/") || path.includes("\0")) {
    throw new RuneError({
      code: "TTRPC",
      doing,
      reason: "it is no absolute path of a unix socket",
    });
  }
  if (new TextEncoder().encode(path).length > maxPathBytes) {
    throw new RuneError({ code: "TTRPC", doing, reason: `more than ${maxPathBytes} bytes` });
  }
  return path;
}
