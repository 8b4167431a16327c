// SPDX-License-Identifier: Apache-2.0
/**
 * Classic BPF as seccomp has it (linux/bpf_common.h): `struct sock_filter` is code u16@0, jt u8@2,
 * jf u8@3, k u32@4. A jump skips that many instructions behind the next one.
 */

export type Instruction = {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
};

export const instructionBytes = 8;
/** BPF_MAXINSNS: kernel/seccomp.c, seccomp_prepare_filter. */
export const programMaxInstructions = 4096;

/** BPF_LD | BPF_W | BPF_ABS: a word of struct seccomp_data. */
export const loadWord = 0x20;
/** BPF_JMP | BPF_JA */
export const jumpAlways = 0x05;
/** BPF_JMP | BPF_JEQ | BPF_K */
export const jumpEqual = 0x15;
/** BPF_JMP | BPF_JGT | BPF_K */
export const jumpGreater = 0x25;
/** BPF_JMP | BPF_JSET | BPF_K */
export const jumpBitsSet = 0x45;
/** BPF_RET | BPF_K */
export const returnConstant = 0x06;

/** struct seccomp_data: nr i32@0, arch u32@4, instruction_pointer u64@8, args 6 × u64@16. */
export const dataOffset = { systemCall: 0, architecture: 4 } as const;

/**
 * All that an x86-64 kernel can see (linux/audit.h), by libseccomp's tokens. The one of x32 is
 * libseccomp's own: to the kernel these are x86-64 calls with a bit set in the number.
 */
export const architectures = { x86_64: 0xc000003e, x86: 0x40000003, x32: 0x4000003e } as const;

/** SECCOMP_RET_* of linux/seccomp.h. */
export const verdict = {
  killProcess: 0x80000000,
  killThread: 0x00000000,
  trap: 0x00030000,
  errno: 0x00050000,
  trace: 0x7ff00000,
  log: 0x7ffc0000,
  allow: 0x7fff0000,
  notify: 0x7fc00000,
} as const;

export function assemble(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructionBytes * program.length);
  const view = new DataView(bytes.buffer);
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    const at = instructionBytes * index;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, jt);
    view.setUint8(at + 3, jf);
    view.setUint32(at + 4, k, true);
  }
  return bytes;
}
