// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel's signal frame on x86-64 (arch/x86/include/asm/sigframe.h, uapi/asm/sigcontext.h):
 *
 *   +0    return address (the restorer)     8
 *   +8    ucontext                          304: flags, link, stack, registers, mask
 *   +312  siginfo                           128
 * The extended state (XSAVE, standard format) lies above, at ucontext.fpstate.
 */
#ifndef SGXSIM_FRAME_H
#define SGXSIM_FRAME_H

#include "base.h"
#include "layout.h"
#include <linux/signal.h>

enum {
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    RDI,
    RSI,
    RBP,
    RBX,
    RDX,
    RAX,
    RCX,
    RSP,
    RIP,
    EFLAGS,
    SEGMENTS,
    ERROR_CODE,
    TRAP_NUMBER,
    OLD_MASK,
    CR2,
    REGISTER_COUNT
};

struct context {
    uint64_t flags;
    uint64_t link;
    stack_t stack;
    uint64_t reg[REGISTER_COUNT];
    uint8_t *fpstate; /* may be NULL */
    uint64_t reserved[8];
    uint64_t mask;
};

struct frame {
    uint64_t restorer;
    struct context context;
    siginfo_t info;
};

_Static_assert(sizeof(struct context) == 304, "ucontext");
_Static_assert(offsetof(struct context, reg[RIP]) == UCONTEXT_RIP, "offset in layout.h");
_Static_assert(offsetof(struct context, reg[RSP]) == UCONTEXT_RSP, "offset in layout.h");
_Static_assert(sizeof(struct frame) == 440, "rt_sigframe");

/* Processor exceptions. */
enum {
    VECTOR_DE = 0,
    VECTOR_DB = 1,
    VECTOR_BP = 3,
    VECTOR_UD = 6,
    VECTOR_GP = 13,
    VECTOR_PF = 14,
    VECTOR_MF = 16,
    VECTOR_AC = 17,
    VECTOR_XM = 19
};

#endif
