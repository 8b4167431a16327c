// SPDX-License-Identifier: Apache-2.0
/* Ways out of an enclave other than EEXIT. */
#ifndef SGXSIM_EXITS_H
#define SGXSIM_EXITS_H

#include "frame.h"
#include "thread.h"

struct exit_cause {
    int signal; /* what the kernel would send, */
    int code;   /* with this si_code */
    int vector;
    uint64_t rip;     /* of the instruction, for the SSA */
    uint64_t address; /* of a page fault */
    uint32_t error;   /* error code of #PF and #GP */
};

/* An exception inside: asynchronous exit, then the vDSO's answer or a signal at the AEP. */
void exit_with_exception(struct thread *thread, struct context *context,
                         const struct exit_cause *cause);

/* A signal while inside: a fault of the enclave's code, or an interruption. */
void signal_inside(struct thread *thread, int signal, const siginfo_t *info,
                   struct context *context);

/* The SSA frame's GPR area (SDM vol. 3D, 34.9.2): 184 bytes at the frame's end. */
struct ssa_gpr {
    uint64_t reg[16];          /* @0 RAX RCX RDX RBX RSP RBP RSI RDI R8 ... R15 */
    uint64_t rflags;           /* @128 */
    uint64_t rip;              /* @136 */
    uint64_t u_rsp;            /* @144 */
    uint64_t u_rbp;            /* @152 */
    uint32_t exit_info;        /* @160 vector 0-7, type 8-10, valid 31 */
    uint32_t reserved;         /* @164 */
    uint64_t fs_base, gs_base; /* @168, @176 */
};
_Static_assert(sizeof(struct ssa_gpr) == 184, "GPR area");
_Static_assert(offsetof(struct ssa_gpr, u_rsp) == GPR_U_RSP, "offset in layout.h");
_Static_assert(offsetof(struct ssa_gpr, u_rbp) == GPR_U_RBP, "offset in layout.h");

/* Order of the registers in the GPR area. */
extern const uint8_t gpr_order[16];

struct enclave;
struct tcs;

/* Frame `index` of a TCS: its GPR area in the emulator's view; NULL when not all of the frame is in
 * readable and writable pages of the enclave, and then the first address that is not. */
struct ssa_gpr *ssa_frame(const struct enclave *enclave, const struct tcs *tcs, uint32_t index,
                          uint64_t *missing);
/* The frame's start, where the XSAVE area is, and its size. */
uint8_t *ssa_xsave(const struct enclave *enclave, struct ssa_gpr *gpr, uint32_t *room);

#endif
