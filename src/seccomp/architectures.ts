// SPDX-License-Identifier: Apache-2.0
/** linux/audit.h; the others can never be seen by an x86-64 kernel. */
export const architectures = {
  SCMP_ARCH_X86_64: 0xc000003e,
  SCMP_ARCH_X86: 0x40000003,
  SCMP_ARCH_X32: 0x4000003e,
} as const;
export type KnownArchitecture = keyof typeof architectures;
