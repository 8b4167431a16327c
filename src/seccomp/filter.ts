// SPDX-License-Identifier: Apache-2.0
/** `linux.seccomp` as the launch plan takes it: from the cache, or compiled. */
import type { Kernel } from "../kernel/kernel.ts";
import type { SeccompLibrary } from "../kernel/seccomp-library.ts";
import type { Seccomp } from "../oci/config-linux.ts";
import { keep, recall } from "./cache.ts";
import { compile, compilerVersion } from "./compile.ts";
import { checkSeccomp, type FilterRules, toFlags, toRules } from "./rules.ts";

export type SeccompFilter = {
  /** SECCOMP_FILTER_FLAG_* */
  readonly flags: number;
  /** Array of `struct sock_filter`. */
  readonly filter: Uint8Array;
};

export type FilterSource = {
  readonly kernel: Kernel;
  readonly library: SeccompLibrary;
  readonly cacheDirectory: string;
};

export function seccompFilter(profile: Seccomp, source: FilterSource): SeccompFilter {
  const { kernel, library, cacheDirectory } = source;
  checkSeccomp(profile);
  const rules = toRules(profile);
  const flags = toFlags(profile.flags);
  const key = cacheKey(rules, library.version());
  const known = recall(kernel, cacheDirectory, key);
  if (known !== undefined) return { flags, filter: known };
  const filter = compile(library, rules);
  keep(kernel, cacheDirectory, key, filter);
  return { flags, filter };
}

/**
 * SHA-256, in hexadecimal, over the rules in JSON and who compiles them. The kernel is not part of it:
 * libseccomp's filters depend on it only below Linux 5.7, and rune needs a newer one.
 */
export function cacheKey(rules: FilterRules, libraryVersion: string): string {
  const content = [compilerVersion, libraryVersion, rules];
  // JSON has no 64-bit integers; where one is expected, a text can be nothing else.
  const text = JSON.stringify(content, (_, value) =>
    typeof value === "bigint" ? `${value}n` : value,
  );
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}
