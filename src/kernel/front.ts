// SPDX-License-Identifier: Apache-2.0
/** What the C front (native/front/front.c) passes on: the caller's environment and descriptors. */
import { RuneError } from "../errors/error.ts";
import { type Fd, type Kernel, readToEnd } from "./kernel.ts";

export type Front = {
  /** The caller's environment; ours is empty. */
  readonly environment: ReadonlyMap<string, string>;
  /** Descriptors from 3 on that were open at start. */
  readonly openDescriptors: ReadonlySet<number>;
};

const environmentMaxBytes = 32 << 20; // beyond what execve(2) accepts

/** Reads `INCLAVARE_FRONT=1:<environment fd>:<fd>,<fd>,...`. */
export function readFront(kernel: Kernel, text: string | undefined): Front {
  const [version, fd, descriptors = ""] = (text ?? "").split(":");
  if (version !== "1" || fd === undefined) {
    throw new RuneError({
      code: "USAGE",
      doing: "start the engine",
      reason: "it is started by its front only",
      hint: "run bin/rune, not lib/inclavare/engine",
    });
  }
  const bytes = readEnvironment(kernel, Number(fd) as Fd); // the front opened it
  return {
    environment: parseEnvironment(bytes),
    openDescriptors: new Set(descriptors.split(",").filter(Boolean).map(Number)),
  };
}

function readEnvironment(kernel: Kernel, fd: Fd): Uint8Array {
  const path = `/proc/self/fd/${fd}`;
  // The front wrote at this descriptor's position: a new open starts at the beginning.
  const own = kernel.open(path, 0 /* O_RDONLY */);
  try {
    return readToEnd(kernel, own, path, environmentMaxBytes);
  } finally {
    kernel.close(own);
    kernel.close(fd);
  }
}

/** The first of several entries with one name counts, as for getenv(3). */
function parseEnvironment(bytes: Uint8Array): Map<string, string> {
  const environment = new Map<string, string>();
  for (const entry of new TextDecoder().decode(bytes).split("\0")) {
    const equals = entry.indexOf("=");
    const name = entry.slice(0, equals);
    if (equals > 0 && !environment.has(name)) environment.set(name, entry.slice(equals + 1));
  }
  return environment;
}
