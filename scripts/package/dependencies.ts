// SPDX-License-Identifier: Apache-2.0
/** What programs and libraries need of the system, as a Debian package says it. */
import { join } from "node:path";
import type { Source } from "./source.ts";
import { run } from "./tools.ts";

/** Debian's package of each library that something of ours is linked with. */
const packageOf: Readonly<Record<string, string>> = {
  "libc.so.6": "libc6",
  "libdl.so.2": "libc6",
  "libm.so.6": "libc6",
  "libpthread.so.0": "libc6",
  "ld-linux-x86-64.so.2": "libc6",
  "libgcc_s.so.1": "libgcc-s1",
  "libstdc++.so.6": "libstdc++6",
};

/**
 * Loaded by name, so no header says so: the engine compiles seccomp profiles with libseccomp (2.5 has
 * notifications), and init-runelet loads libgcc_s before it leaves the host's root.
 */
const loadedByName = ["libgcc-s1", "libseccomp2 (>= 2.5.0)"];

export function dependencies(tree: string, files: readonly string[], source: Source): string[] {
  const needed = new Set<string>();
  const versions = new Set<string>();
  for (const file of files.filter((name) => /^usr\/(bin|lib)\//.test(name))) {
    const { libraries, glibc } = neededBy(join(tree, file), source);
    for (const library of libraries) {
      const debian = packageOf[library];
      if (debian === undefined) throw new Error(`package: ${file} needs unknown \`${library}\``);
      needed.add(debian);
    }
    for (const version of glibc) versions.add(version);
  }
  const found = [...needed].map((name) =>
    name === "libc6" ? `libc6 (>= ${highest([...versions])})` : name,
  );
  return [...new Set([...found, ...loadedByName])].sort();
}

/** Libraries a dynamic ELF file names, and the versions of glibc's symbols it asks for. */
function neededBy(path: string, source: Source): { libraries: string[]; glibc: string[] } {
  const magic = new Uint8Array(Bun.mmap(path).subarray(0, 4));
  if (new TextDecoder("latin1").decode(magic) !== "\x7fELF") return { libraries: [], glibc: [] };
  const text = run(["readelf", "--wide", "--dynamic", "--version-info", path], source);
  return parseReadelf(text);
}

export function parseReadelf(text: string): { libraries: string[]; glibc: string[] } {
  const libraries = [...text.matchAll(/\(NEEDED\)\s+Shared library: \[([^\]]+)\]/g)];
  const glibc = [...text.matchAll(/Name: GLIBC_(\d+(?:\.\d+)+) /g)];
  return {
    libraries: [...new Set(libraries.map(([, name]) => name ?? ""))],
    glibc: [...new Set(glibc.map(([, version]) => version ?? ""))],
  };
}

export function highest(versions: readonly string[]): string {
  const order = (text: string) =>
    text.split(".").reduce((sum, part) => sum * 1000 + Number(part), 0) *
    1000 ** (3 - text.split(".").length);
  return [...versions].sort((a, b) => order(a) - order(b)).at(-1) ?? "2.36";
}
