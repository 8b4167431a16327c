// SPDX-License-Identifier: Apache-2.0
#include "enter.h"
#include "deliver.h"
#include "enclave.h"
#include "enclu.h"
#include "exit_stubs.h"
#include "exits.h"
#include "log.h"
#include "vdso_link.h"
#include "xstate.h"
#include <linux/prctl.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON 1
#endif

#define ERROR_NOT_TCS 0x8005u /* present, user, SGX: an EPCM fault */
#define ERROR_ABSENT 0x4u
#define RFLAGS_RESTORED                                                                            \
    0x240dd5UL /* what ERESUME takes from the SSA: the status flags, DF, AC, ID */
#define RFLAGS_ALWAYS 0x202UL

struct refusal {
    int vector; /* 0: none */
    uint64_t address;
    uint32_t error;
};

void arm_dispatch(struct thread *thread)
{
    if (thread->dispatch_epoch == fork_epoch())
        return;
    long error = call(__NR_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, AREA_BASE,
                      AREA_GATES, &thread->selector);
    if (error != 0)
        note("syscall user dispatch: error %d; a system call inside the enclave would be executed",
             (int)-error);
    thread->dispatch_epoch = fork_epoch();
}

/* The TCS's checks, in EENTER's order (SDM vol. 3D). On success the TCS is busy. */
static struct refusal take_tcs(struct enclave *enclave, uint64_t tcs)
{
    if (enclave == NULL)
        return (struct refusal){VECTOR_PF, tcs, ERROR_ABSENT};
    struct page *page = page_at(enclave, tcs);
    if ((tcs & PAGE_MASK) != 0 || !enclave->initialized)
        return (struct refusal){.vector = VECTOR_GP};
    if (!page->valid || enclave->mappings[index_of(enclave, tcs)] == 0)
        return (struct refusal){VECTOR_PF, tcs, ERROR_ABSENT};
    if (page->type != PAGE_TCS || (page->state & (PAGE_PENDING | PAGE_MODIFIED)) != 0)
        return (struct refusal){VECTOR_PF, tcs, ERROR_NOT_TCS};
    if (__atomic_exchange_n(&page->busy, 1, __ATOMIC_ACQUIRE) != 0)
        return (struct refusal){.vector = VECTOR_GP};
    return (struct refusal){.vector = 0};
}

static void enter(struct thread *thread, struct context *context, struct tcs *tcs)
{
    uint64_t base = thread->enclave->base, *reg = context->reg;
    reg[RAX] = tcs->cssa;
    reg[RCX] = reg[RIP] + ENCLU_LENGTH;
    reg[RIP] = base + tcs->oentry;
    thread->enclave_fs = base + tcs->ofsbase;
    thread->enclave_gs = base + tcs->ogsbase;
}

/* -1 when the SSA's extended state is one XRSTOR refuses. */
static int resume_from(struct thread *thread, struct context *context, struct tcs *tcs,
                       struct ssa_gpr *gpr)
{
    uint32_t room;
    const uint8_t *xsave = ssa_xsave(thread->enclave, gpr, &room);
    if (context->fpstate != NULL &&
        xstate_from_ssa(context->fpstate, xsave, room, thread->enclave->secs.attributes.xfrm) != 0)
        return -1;
    for (unsigned i = 0; i < COUNT(gpr_order); i++)
        context->reg[gpr_order[i]] = gpr->reg[i];
    context->reg[EFLAGS] = (gpr->rflags & RFLAGS_RESTORED) | RFLAGS_ALWAYS;
    context->reg[RIP] = gpr->rip;
    thread->enclave_fs = gpr->fs_base;
    thread->enclave_gs = gpr->gs_base;
    tcs->cssa--;
    return 0;
}

static struct refusal try_enter(struct thread *thread, struct context *context, int is_resume)
{
    uint64_t *reg = context->reg, address = reg[RBX];
    struct enclave *enclave = enclave_at(address);
    struct refusal refusal = take_tcs(enclave, address);
    if (refusal.vector != 0)
        return refusal;
    struct tcs *tcs = (struct tcs *)memory_at(enclave, address);
    int has_frame = is_resume ? tcs->cssa > 0 : tcs->cssa < tcs->nssa;
    struct ssa_gpr *gpr =
        has_frame ? ssa_frame(enclave, tcs, is_resume ? tcs->cssa - 1 : tcs->cssa) : NULL;
    int error = gpr == NULL;
    if (!error) {
        uint64_t rsp = reg[RSP], rbp = reg[RBP], aep = reg[RCX];
        thread->enclave = enclave;
        if (is_resume)
            error = resume_from(thread, context, tcs, gpr);
        else
            enter(thread, context, tcs);
        if (!error) {
            gpr->u_rsp = rsp;
            gpr->u_rbp = rbp;
            thread->tcs = address;
            thread->aep = aep;
            arm_dispatch(thread);
            thread_remember_fs(thread);
            thread->tcs_busy = &page_at(enclave, address)->busy;
            thread->exit_slot = exit_slot_of(enclave, tcs);
            thread_goes_inside(thread);
            return refusal;
        }
    }
    __atomic_store_n(&page_at(enclave, address)->busy, 0, __ATOMIC_RELEASE);
    return (struct refusal){.vector = VECTOR_GP};
}

void enter_enclave(struct thread *thread, struct context *context, int is_resume)
{
    struct refusal refusal = try_enter(thread, context, is_resume);
    if (refusal.vector == 0)
        return;
    uint64_t *reg = context->reg;
    note("%s: fault %d, TCS 0x%lx", is_resume ? "ERESUME" : "EENTER", refusal.vector, reg[RBX]);
    if (reg[RIP] == vdso_aep) {
        reg[RIP] = vdso_exception;
        reg[RDI] = (uint64_t)refusal.vector;
        reg[RSI] = refusal.error;
        reg[RDX] = refusal.address;
    } else if (refusal.vector == VECTOR_GP) {
        deliver_fault(thread, SIGSEGV, SI_KERNEL, VECTOR_GP, 0, 0, context);
    } else {
        deliver_fault(thread, SIGSEGV, SEGV_MAPERR, VECTOR_PF, refusal.address, refusal.error,
                      context);
    }
}
