// SPDX-License-Identifier: Apache-2.0
/**
 * Whether a container's seccomp profile lets its own machinery live: init-runelet and the simulated
 * platform work inside the container, under its filter. Better a sentence now than SIGSYS later.
 */
import { RuneError } from "../errors/error.ts";
import type { Seccomp, SeccompAction } from "../oci/config-linux.ts";

/** docs/protocol/pal-api.md, "System calls": what init-runelet always calls once the filter is on. */
export const initRuneletCalls = words(
  "rt_sigaction rt_sigprocmask rt_sigreturn getpid prctl close_range close mmap mprotect munmap",
  "madvise futex wait4 write exit exit_group newfstatat accept4 poll recvmsg sendmsg",
);

/**
 * docs/protocol/simulation.md, "System calls the platform needs", without those it makes only before
 * the program starts; a test compares with `sgxsim --calls`.
 */
export const simulatorCalls = words(
  "arch_prctl brk close connect execveat exit_group faccessat2 fcntl fstat fstatfs ftruncate futex",
  "getpid gettid madvise memfd_create mmap mprotect munmap openat pread64 pwrite64 readlinkat recvfrom",
  "rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_tgsigqueueinfo sendto setsockopt",
  "sigaltstack socket tgkill write",
);

/** Made before the container's filter is installed. */
export const simulatorStartCalls = words("prctl read seccomp");

/** For `sgxsim --fidelity`, which containers do not get. */
export const simulatorFidelityCalls = words(
  "pkey_alloc pkey_mprotect timer_create timer_delete timer_settime",
);

const permitting: ReadonlySet<SeccompAction> = new Set([
  "SCMP_ACT_ALLOW",
  "SCMP_ACT_LOG",
  "SCMP_ACT_TRACE",
]);

/** @throws RuneError ENCLAVE_CONFIG that names the calls the profile forbids */
export function checkProfile(
  profile: Seccomp | undefined,
  needs: { readonly pal: boolean; readonly simulation: boolean },
): void {
  if (profile === undefined) return;
  const needed = new Set([
    ...(needs.pal ? initRuneletCalls : []),
    ...(needs.simulation ? simulatorCalls : []),
  ]);
  const forbidden = [...needed].filter((name) => !permits(profile, name));
  if (forbidden.length === 0) return;
  const who = needs.simulation ? "the simulated platform" : "init-runelet";
  throw new RuneError({
    code: "ENCLAVE_CONFIG",
    doing: "config `linux.seccomp`",
    reason: `${who} needs system calls that the profile forbids: ${forbidden.join(", ")}`,
    hint: "docker's default profile allows all of them",
  });
}

/** A rule that permits under a condition on arguments counts: which arguments, nobody knows here. */
function permits({ defaultAction, syscalls = [] }: Seccomp, name: string): boolean {
  const rules = syscalls.filter(({ names }) => names.includes(name));
  if (rules.some(({ action }) => permitting.has(action))) return true;
  const unconditional = rules.some(({ args = [] }) => args.length === 0);
  return !unconditional && permitting.has(defaultAction);
}

function words(...lines: string[]): readonly string[] {
  return lines.flatMap((line) => line.split(" "));
}
