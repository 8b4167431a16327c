// SPDX-License-Identifier: Apache-2.0
/**
 * Compiled filters by content. Compiling docker's profile takes 5 to 35 ms, longer than all the rest of
 * a start. The files are root's, in a directory that only root may enter, and go with the boot.
 */
import { RuneError } from "../errors/error.ts";
import { EEXIST, ENOENT, O_CREAT, O_TRUNC, O_WRONLY } from "../kernel/constants.ts";
import { type Kernel, readFile, unlessErrno } from "../kernel/kernel.ts";
import type { Seccomp } from "../oci/config-linux.ts";
import { filterMaxBytes } from "./compile.ts";

/** Counts up when the compiler changes what it makes of a profile. */
const compilerVersion = 1;
const directories = ["/run/inclavare", "/run/inclavare/seccomp"] as const;
/** As many as a node has profiles; with more the directory is emptied. */
const entriesMax = 64;
const hashBytes = 32;

/** The filter of a profile; undefined where it has to be compiled. */
export function findFilter(kernel: Kernel, seccomp: Seccomp): Uint8Array | undefined {
  if (kernel.euid() !== 0) return undefined;
  const path = pathOf(seccomp);
  const found = unlessErrno(() => readFile(kernel, path, filterMaxBytes + hashBytes), ENOENT);
  return found === undefined ? undefined : verified(found);
}

/** Keeps a compiled filter; a full or read-only /run makes the next start slower, not impossible. */
export function keepFilter(kernel: Kernel, seccomp: Seccomp, filter: Uint8Array): void {
  if (kernel.euid() !== 0) return;
  try {
    store(kernel, pathOf(seccomp), filter);
  } catch (error) {
    if (!(error instanceof RuneError)) throw error;
  }
}

function pathOf(seccomp: Seccomp): string {
  return `${directories[1]}/${keyOf(seccomp)}`;
}

function keyOf(seccomp: Seccomp): string {
  const text = JSON.stringify([compilerVersion, seccomp], (_, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value,
  );
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}

/** A file is the SHA-256 of the filter and the filter; anything else is compiled anew. */
function verified(bytes: Uint8Array): Uint8Array | undefined {
  const filter = bytes.subarray(hashBytes);
  if (filter.length === 0 || filter.length % 8 !== 0) return undefined;
  const hash = new Bun.CryptoHasher("sha256").update(filter).digest();
  return hash.every((byte, index) => byte === bytes[index]) ? filter : undefined;
}

function store(kernel: Kernel, path: string, filter: Uint8Array): void {
  for (const directory of directories) unlessErrno(() => kernel.mkdir(directory, 0o700), EEXIST);
  const { uid, mode } = kernel.lstat(directories[1]);
  if (uid !== 0 || (mode & 0o077) !== 0) return;
  const entries = kernel.list(directories[1]);
  if (entries.length >= entriesMax) {
    for (const { name } of entries) {
      unlessErrno(() => kernel.unlink(`${directories[1]}/${name}`), ENOENT);
    }
  }
  const temporary = `${path}.${kernel.pid()}`;
  const fd = kernel.open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0o600);
  try {
    kernel.write(fd, new Bun.CryptoHasher("sha256").update(filter).digest());
    kernel.write(fd, filter);
  } finally {
    kernel.close(fd);
  }
  kernel.rename(temporary, path);
}
