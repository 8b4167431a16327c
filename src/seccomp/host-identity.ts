// SPDX-License-Identifier: Apache-2.0
/**
 * What compiles a filter, without loading it: opening libseccomp costs more than reading a cached
 * filter. Whoever has loaded the library notes, in the cache's directory, which file it was and its
 * version; the note holds while that file and the linker's own cache, which chose it, stay as they are.
 */
import { ENOENT } from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno } from "../kernel/kernel.ts";
import type { SeccompLibrary } from "../kernel/seccomp-library.ts";
import { keepEntry, recallEntry } from "./cache.ts";

/** libseccomp's version and the kernel's release. */
export type HostIdentity = { readonly library: string; readonly kernel: string };

const noteName = "libseccomp";
const linkerCache = "/etc/ld.so.cache";

/** Undefined where there is no note, or it does not hold any more. */
export function hostIdentity(kernel: Kernel, directory: string): HostIdentity | undefined {
  const note = recallEntry(kernel, directory, noteName);
  const [library, path, seen] =
    note === undefined ? [] : new TextDecoder().decode(note).split("\n");
  if (library === undefined || path === undefined) return undefined;
  return seen === fingerprint(kernel, path) ? { library, kernel: release(kernel) } : undefined;
}

/** After the library has been loaded. Undefined where its file is not to be found. */
export function learnHost(
  kernel: Kernel,
  directory: string,
  library: SeccompLibrary,
): HostIdentity | undefined {
  const path = library.path();
  if (path === undefined) return undefined;
  const version = library.version();
  const note = `${version}\n${path}\n${fingerprint(kernel, path)}\n`;
  keepEntry(kernel, directory, noteName, new TextEncoder().encode(note));
  return { library: version, kernel: release(kernel) };
}

function fingerprint(kernel: Kernel, path: string): string {
  return [path, linkerCache]
    .map((file) => unlessErrno(() => kernel.stat(file), ENOENT))
    .map((stat) =>
      stat === undefined ? "" : `${stat.device}:${stat.inode}:${stat.sizeBytes}:${stat.modified}`,
    )
    .join(" ");
}

function release(kernel: Kernel): string {
  return readText(kernel, "/proc/sys/kernel/osrelease").trim();
}
