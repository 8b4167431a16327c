// SPDX-License-Identifier: Apache-2.0
#include "enter.h"
#include "deliver.h"
#include "enclave.h"
#include "enclu.h"
#include "exit_stubs.h"
#include "exits.h"
#include "fidelity.h"
#include "log.h"
#include "vdso_link.h"
#include "xstate.h"
#include <linux/prctl.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON 1
#endif

#define ERROR_NOT_TCS 0x8005u /* present, user, SGX: an EPCM fault */
#define ERROR_NOT_FRAME 0x8007u
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

static int is_canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

/* The checks of the TCS and its SECS, in EENTER's order (SDM vol. 3D). On success the TCS is busy.
 */
static struct refusal take_tcs(struct enclave *enclave, uint64_t tcs, uint64_t aep)
{
    if ((tcs & PAGE_MASK) != 0)
        return (struct refusal){.vector = VECTOR_GP};
    if (enclave == NULL || enclave->mappings[index_of(enclave, tcs)] == 0)
        return (struct refusal){VECTOR_PF, tcs, ERROR_ABSENT};
    struct page *page = page_at(enclave, tcs);
    if (!page->valid)
        return (struct refusal){VECTOR_PF, tcs, ERROR_ABSENT};
    if (page->type != PAGE_TCS || (page->state & (PAGE_PENDING | PAGE_MODIFIED)) != 0)
        return (struct refusal){VECTOR_PF, tcs, ERROR_NOT_TCS};
    if (!is_canonical(aep) || !enclave_runs(enclave) ||
        (enclave->layout.xfrm & ~xstate_enabled()) != 0)
        return (struct refusal){.vector = VECTOR_GP};
    if (__atomic_exchange_n(&page->busy, 1, __ATOMIC_ACQUIRE) != 0)
        return (struct refusal){.vector = VECTOR_GP};
    return (struct refusal){.vector = 0};
}

/* Where the TCS's fields lead (the GPR area's at ERESUME may lead anywhere; XRSTOR and the first
 * fetch see to that). */
static int targets_ok(const struct enclave *enclave, const struct tcs *tcs)
{
    return is_canonical(enclave->base + tcs->oentry) &&
           is_canonical(enclave->base + tcs->ofsbase) && is_canonical(enclave->base + tcs->ogsbase);
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
        xstate_from_ssa(context->fpstate, xsave, room, thread->enclave->layout.xfrm) != 0)
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

/* With the TCS taken: the SSA frame, and the entry itself. */
static struct refusal go_inside(struct thread *thread, struct context *context, int is_resume,
                                struct enclave *enclave)
{
    uint64_t *reg = context->reg, address = reg[RBX], missing;
    uint64_t rsp = reg[RSP], rbp = reg[RBP], aep = reg[RCX];
    struct tcs *tcs = (struct tcs *)memory_at(enclave, address);
    int has_frame = is_resume ? tcs->cssa > 0 : tcs->cssa < tcs->nssa;
    if (!has_frame || (!is_resume && !targets_ok(enclave, tcs)))
        return (struct refusal){.vector = VECTOR_GP};
    struct ssa_gpr *gpr = ssa_frame(enclave, tcs, is_resume ? tcs->cssa - 1 : tcs->cssa, &missing);
    if (gpr == NULL)
        return (struct refusal){VECTOR_PF, missing, ERROR_NOT_FRAME};
    thread->enclave = enclave;
    if (!is_resume)
        enter(thread, context, tcs);
    else if (resume_from(thread, context, tcs, gpr) != 0)
        return (struct refusal){.vector = VECTOR_GP};
    gpr->u_rsp = rsp;
    gpr->u_rbp = rbp;
    thread->tcs = address;
    thread->aep = aep;
    thread->tcs_busy = &page_at(enclave, address)->busy;
    thread->exit_slot = exit_slot_of(enclave, tcs);
    arm_dispatch(thread);
    thread_remember_fs(thread);
    fidelity_goes_inside(thread, context);
    thread_goes_inside(thread);
    return (struct refusal){.vector = 0};
}

static struct refusal try_enter(struct thread *thread, struct context *context, int is_resume)
{
    uint64_t address = context->reg[RBX];
    struct enclave *enclave = enclave_at(address);
    struct refusal refusal = take_tcs(enclave, address, context->reg[RCX]);
    if (refusal.vector != 0)
        return refusal;
    permissions_refresh(enclave);
    refusal = go_inside(thread, context, is_resume, enclave);
    if (refusal.vector != 0)
        __atomic_store_n(&page_at(enclave, address)->busy, 0, __ATOMIC_RELEASE);
    return refusal;
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
