// SPDX-License-Identifier: Apache-2.0
/*
 * Fixed addresses, for C, assembler and the linker scripts.
 *
 * The seccomp filter is inherited over execve and knows the emulator by the address of its system
 * calls, so these are the same in every process. All lie in one 4 GiB window: the filter compares
 * the upper half of the instruction pointer once and the lower half with one limit.
 *
 *   0x6e00_0000_0000  other memory of the emulator's, wherever it is free (own_memory.c)
 *   0x6fff_0000_0000  thread blocks, 64 KiB each, mapped one by one
 *   0x6fff_2000_0000  the program's ELF file: headers
 *   0x6fff_2000_1000  the gate: the only system call instructions of the emulator's own
 *   0x6fff_2000_2000  text, read-only data (all of the file)
 *   0x6fff_2010_0000  zero-initialised data; first the vDSO's table
 */
#ifndef SGXSIM_LAYOUT_H
#define SGXSIM_LAYOUT_H

#define AREA_UPPER 0x6fff
#define AREA_BASE 0x6fff00000000
#define AREA_GATES 0x20002000 /* lower half: below it, system calls are the emulator's */

#define OWN_BASE 0x6e0000000000
#define OWN_SIZE 0x1f000000000

#define BLOCK_SIZE 0x10000
#define BLOCK_COUNT 8192
#define BLOCKS_SIZE 0x20000000
#define BLOCK_CODE 0x1000  /* copy of thread_code; not writable, so also the stack's guard */
#define BLOCK_STACK 0x2000 /* the thread's signal stack, to the block's end */

#define IMAGE_BASE 0x6fff20000000
#define GATE_BASE 0x6fff20001000
#define DATA_BASE 0x6fff20100000
#define VDSO_TABLE DATA_BASE

/* Entries of the vDSO's table, 8 bytes each. */
#define VDSO_CLOCK_GETTIME 0
#define VDSO_GETTIMEOFDAY 1
#define VDSO_TIME 2
#define VDSO_GETCPU 3
#define VDSO_CLOCK_GETRES 4
#define VDSO_GETRANDOM 5
#define VDSO_FORWARDS 6
#define VDSO_FAST_ENTER 6
#define VDSO_TABLE_ENTRIES 7

/* Offsets in struct thread that assembler uses; thread.h asserts them. */
#define T_SELECTOR 0
#define T_INSIDE 1
#define T_PREPARED 3
#define T_KEEPS_BASES 4
#define T_HOST_FS 8
#define T_HOST_GS 16
#define T_ENCLAVE_FS 24
#define T_ENCLAVE_GS 32
#define T_ENTER_RIP 40
#define T_ENTER_RCX 48
#define T_RESUME_RIP 56
#define T_VFORK_RIP 64
#define T_SAVED_RDI 72
#define T_SAVED_RSI 80
#define T_OWN_STACK 88 /* 24 bytes */
#define T_AEP 112
#define T_TCS_BUSY 120
#define T_TCS_CSSA 128
#define T_SSA_GPR 136
#define T_SAVED_RDX 144
#define T_SAVED_R11 152
#define T_SAVED_FLAGS 160
#define T_INSIDE_TERM 168
#define T_EXIT_SLOT 176

/* Offsets in the SSA's GPR area (SDM vol. 3D, 34.9.2.2). */
#define GPR_U_RSP 144
#define GPR_U_RBP 152

/* Offsets in the kernel's ucontext: flags, link and stack take 40 bytes, then the registers. */
#define UCONTEXT_RSP 160
#define UCONTEXT_RIP 168

#endif
