// SPDX-License-Identifier: Apache-2.0
/** What the C front (native/front/front.c) passes on: the caller's environment and descriptors. */
import { RuneError } from "../errors/error.ts";
import { type Fd, type Kernel, readToEnd } from "./kernel.ts";

/** Variables that rune itself obeys. They alone are in the engine's environment. */
export type PassedVariable =
  | "XDG_RUNTIME_DIR"
  | "USER"
  | "LISTEN_FDS"
  | "LISTEN_PID"
  | "LISTEN_FDNAMES"
  | "NOTIFY_SOCKET";

export type Front = {
  /** One of the caller's variables; undefined where it is not set. */
  readonly variable: (name: PassedVariable) => string | undefined;
  /** The caller's whole environment. Read when asked for: most commands do not need it. */
  readonly environment: () => ReadonlyMap<string, string>;
  /** Descriptors from 3 on that were open at start. */
  readonly openDescriptors: ReadonlySet<number>;
};

const environmentMaxBytes = 32 << 20; // beyond what execve(2) accepts

type Variables = Readonly<Record<string, string | undefined>>;

/** Reads `INCLAVARE_FRONT=1:<environment fd>:<fd>,<fd>,...` and the passed variables. */
export function readFront(kernel: Kernel, variables: Variables): Front {
  const text = variables["INCLAVARE_FRONT"] ?? "";
  const [, fd, descriptors = ""] = /^1:(\d+):((?:\d+(?:,\d+)*)?)$/.exec(text) ?? [];
  if (fd === undefined) {
    throw new RuneError({
      code: "USAGE",
      doing: "start the engine",
      reason: "it is started by its front only",
      hint: "run bin/rune, not lib/inclavare/engine",
    });
  }
  return {
    variable: (name) => variables[name],
    environment: () => parseEnvironment(readEnvironment(kernel, Number(fd))),
    openDescriptors: new Set(descriptors.split(",").filter(Boolean).map(Number)),
  };
}

function readEnvironment(kernel: Kernel, fd: number): Uint8Array {
  const path = `/proc/self/fd/${fd}`;
  // The front wrote at this descriptor's position: a new open starts at the beginning.
  const own: Fd = kernel.open(path, 0 /* O_RDONLY */);
  try {
    return readToEnd(kernel, own, path, environmentMaxBytes);
  } finally {
    kernel.close(own);
  }
}

/** The first of several entries with one name counts, as for getenv(3). */
export function parseEnvironment(bytes: Uint8Array): Map<string, string> {
  const environment = new Map<string, string>();
  for (const entry of new TextDecoder().decode(bytes).split("\0")) {
    const equals = entry.indexOf("=");
    const name = entry.slice(0, equals);
    if (equals > 0 && !environment.has(name)) environment.set(name, entry.slice(equals + 1));
  }
  return environment;
}
