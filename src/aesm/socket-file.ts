// SPDX-License-Identifier: Apache-2.0
import { lstatSync } from "node:fs";

/**
 * Whether the socket that is at `path` now is there still, asked later. systemd puts its own in the
 * place of another's, and Bun removes whatever is at a listener's path when the listener is closed.
 */
export function placeOf(path: string): { readonly isOurs: () => boolean } {
  const identity = () => {
    const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? undefined : `${found.dev}:${found.ino}`;
  };
  const own = identity();
  return { isOurs: () => identity() === own };
}
