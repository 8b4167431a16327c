// SPDX-License-Identifier: Apache-2.0
/** `linux.seccomp` as the launch plan takes it: from the cache, or compiled. */
import type { Kernel } from "../kernel/kernel.ts";
import type { SeccompLibrary } from "../kernel/seccomp-library.ts";
import type { Seccomp } from "../oci/config-linux.ts";
import { instructionBytes, programMaxInstructions } from "./bpf.ts";
import { keep, recall } from "./cache.ts";
import { compile, compilerVersion } from "./compile.ts";
import { type HostIdentity, hostIdentity, learnHost } from "./host-identity.ts";
import { type FilterRules, notifies, toFlags, toRules } from "./rules.ts";

export type SeccompFilter = {
  /** SECCOMP_FILTER_FLAG_* */
  readonly flags: number;
  /** Array of `struct sock_filter`. */
  readonly filter: Uint8Array;
  /** Who answers SCMP_ACT_NOTIFY; absent where the filter has none of it. */
  readonly listener?: SeccompListener;
};

/** Of a filter that the kernel takes. */
export const programMaxBytes = instructionBytes * programMaxInstructions;

export type SeccompListener = {
  /** The agent's socket, on the host. */
  readonly path: string;
  readonly metadata?: string;
};

export type FilterSource = {
  readonly kernel: Kernel;
  readonly library: SeccompLibrary;
  readonly cacheDirectory: string;
};

export function seccompFilter(profile: Seccomp, source: FilterSource): SeccompFilter {
  const { kernel, library, cacheDirectory } = source;
  const rules = toRules(profile);
  const listener = listenerOf(profile);
  const rest = {
    flags: toFlags(profile.flags, listener !== undefined),
    ...(listener === undefined ? {} : { listener }),
  };
  const host = hostIdentity(kernel, cacheDirectory);
  const key = host === undefined ? undefined : cacheKey(rules, host);
  const known = key === undefined ? undefined : recall(kernel, cacheDirectory, key);
  if (known !== undefined) return { ...rest, filter: known };
  const filter = compile(library, rules);
  const fresh = host ?? learnHost(kernel, cacheDirectory, library);
  if (fresh !== undefined) keep(kernel, cacheDirectory, cacheKey(rules, fresh), filter);
  return { ...rest, filter };
}

function listenerOf(profile: Seccomp): SeccompListener | undefined {
  const { listenerPath: path, listenerMetadata: metadata } = profile;
  if (path === undefined || !notifies(profile)) return undefined;
  return { path, ...(metadata === undefined ? {} : { metadata }) };
}

/** SHA-256, in hexadecimal, over the rules in JSON and who compiles them: {@link HostIdentity}. */
export function cacheKey(rules: FilterRules, host: HostIdentity): string {
  const content = [compilerVersion, host, rules];
  // JSON has no 64-bit integers; where one is expected, a text can be nothing else.
  const text = JSON.stringify(content, (_, value) =>
    typeof value === "bigint" ? `${value}n` : value,
  );
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}
