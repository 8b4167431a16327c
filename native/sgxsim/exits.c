// SPDX-License-Identifier: Apache-2.0
#include "exits.h"
#include "deliver.h"
#include "dispositions.h"
#include "enclave.h"
#include "fidelity.h"
#include "illegal.h"
#include "lock.h"
#include "log.h"
#include "vdso_link.h"
#include "xstate.h"

#define EXIT_VALID (1u << 31)
#define EXIT_HARDWARE (3u << 8)
#define EXIT_SOFTWARE (6u << 8)
#define MISC_EXINFO 1u
#define LEAF_ERESUME 3
#define RFLAGS_AFTER_EXIT 0x202 /* IF and the bit that is always set */

/* Page fault error codes. */
#define ERROR_PRESENT 0x1u
#define ERROR_WRITE 0x2u
#define ERROR_USER 0x4u
#define ERROR_FETCH 0x10u
#define ERROR_SGX 0x8000u

const uint8_t gpr_order[16] = {RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI,
                               R8,  R9,  R10, R11, R12, R13, R14, R15};

struct exinfo {
    uint64_t address;
    uint32_t error;
    uint32_t reserved;
};

struct ssa_gpr *ssa_frame(const struct enclave *enclave, const struct tcs *tcs, uint32_t index,
                          uint64_t *missing)
{
    uint64_t size = (uint64_t)enclave->layout.ssa_frame_size * PAGE_SIZE;
    uint64_t offset = tcs->ossa + size * index;
    *missing = enclave->base + offset;
    if (tcs->ossa >= enclave->size || offset >= enclave->size || size > enclave->size - offset)
        return NULL;
    for (uint64_t at = offset; at < offset + size; at += PAGE_SIZE) {
        *missing = enclave->base + at;
        if ((effective_permissions(enclave, at / PAGE_SIZE) & 3) != 3)
            return NULL;
    }
    return (struct ssa_gpr *)(enclave->memory + offset + size - sizeof(struct ssa_gpr));
}

uint8_t *ssa_xsave(const struct enclave *enclave, struct ssa_gpr *gpr, uint32_t *room)
{
    uint32_t size = enclave->layout.ssa_frame_size * (uint32_t)PAGE_SIZE;
    *room = size - (uint32_t)sizeof *gpr;
    return (uint8_t *)(gpr + 1) - size;
}

/* EXITINFO (SDM vol. 3D, 34.9.1.1): #PF and #GP are reported only with MISCSELECT.EXINFO. */
static uint32_t exit_info(const struct enclave *enclave, int vector)
{
    switch (vector) {
    case VECTOR_BP:
        return EXIT_VALID | EXIT_SOFTWARE | (uint32_t)vector;
    case VECTOR_DE:
    case VECTOR_DB:
    case VECTOR_UD:
    case VECTOR_MF:
    case VECTOR_AC:
    case VECTOR_XM:
        return EXIT_VALID | EXIT_HARDWARE | (uint32_t)vector;
    case VECTOR_GP:
    case VECTOR_PF:
        if ((enclave->layout.miscselect & MISC_EXINFO) != 0)
            return EXIT_VALID | EXIT_HARDWARE | (uint32_t)vector;
        return 0;
    default:
        return 0;
    }
}

/* AEX: the enclave's state to the current SSA frame; synthetic state in its place, with which the
 * instruction at the AEP, ENCLU, resumes. `cause` is NULL for an interruption. */
static void asynchronous_exit(struct thread *thread, struct context *context, uint64_t rip,
                              const struct exit_cause *cause)
{
    struct enclave *enclave = thread->enclave;
    struct tcs *tcs = (struct tcs *)memory_at(enclave, thread->tcs);
    uint64_t missing;
    struct ssa_gpr *gpr = ssa_frame(enclave, tcs, tcs->cssa, &missing);
    uint64_t *reg = context->reg;
    if (gpr == NULL)
        give_up(STATUS_SETUP, "exit enclave: the SSA frame of TCS 0x%lx is gone", thread->tcs);
    for (unsigned i = 0; i < COUNT(gpr_order); i++)
        gpr->reg[i] = reg[gpr_order[i]];
    gpr->rflags = reg[EFLAGS];
    gpr->rip = rip;
    gpr->fs_base = thread->enclave_fs;
    gpr->gs_base = thread->enclave_gs;
    gpr->exit_info = cause != NULL ? exit_info(enclave, cause->vector) : 0;
    if (cause != NULL && (enclave->layout.miscselect & MISC_EXINFO) != 0 &&
        (cause->vector == VECTOR_GP || cause->vector == VECTOR_PF)) {
        struct exinfo *info = (struct exinfo *)gpr - 1;
        *info = (struct exinfo){.address = cause->address, .error = cause->error};
    }
    uint32_t room;
    uint8_t *xsave = ssa_xsave(enclave, gpr, &room);
    if (context->fpstate != NULL)
        xstate_to_ssa(xsave, room, context->fpstate, enclave->layout.xfrm);
    for (unsigned i = 0; i < COUNT(gpr_order); i++)
        reg[gpr_order[i]] = 0;
    reg[RSP] = gpr->u_rsp;
    reg[RBP] = gpr->u_rbp;
    reg[RAX] = LEAF_ERESUME;
    reg[RBX] = thread->tcs;
    reg[RCX] = thread->aep;
    reg[RIP] = thread->aep;
    reg[EFLAGS] = RFLAGS_AFTER_EXIT;
    tcs->cssa++;
    fidelity_comes_outside(thread, context);
    thread_comes_outside(thread);
    __atomic_store_n(&page_at(enclave, thread->tcs)->busy, 0, __ATOMIC_RELEASE);
}

void exit_with_exception(struct thread *thread, struct context *context,
                         const struct exit_cause *cause)
{
    note("enclave exception: vector %d at +0x%lx, address 0x%lx, error 0x%x", cause->vector,
         cause->rip - thread->enclave->base, cause->address, cause->error);
    asynchronous_exit(thread, context, cause->rip, cause);
    if (thread->aep == vdso_aep) {
        context->reg[RIP] = vdso_exception;
        context->reg[RDI] = (uint64_t)cause->vector;
        context->reg[RSI] = cause->error;
        context->reg[RDX] = cause->address;
        return;
    }
    /* The kernel sees a fault at the AEP; of a page fault's address the processor tells the page.
     */
    if (cause->vector == VECTOR_PF)
        deliver_fault(thread, cause->signal, SEGV_ACCERR, VECTOR_PF, page_down(cause->address),
                      cause->error, context);
    else if (cause->vector == VECTOR_GP)
        deliver_fault(thread, cause->signal, SI_KERNEL, VECTOR_GP, 0, cause->error, context);
    else
        deliver_fault(thread, cause->signal, cause->code, cause->vector, thread->aep, cause->error,
                      context);
}

/* What a page fault in the enclave's range means; 0 when the access is right after all and the
 * page's native protection was out of date. */
static int page_fault(struct thread *thread, uint64_t address, uint32_t *error)
{
    struct enclave *enclave = thread->enclave;
    uint64_t index = index_of(enclave, address);
    struct page *page = page_of(enclave, index);
    uint32_t access = *error & (ERROR_WRITE | ERROR_FETCH);
    int need = (access & ERROR_FETCH) != 0 ? 4 : (access & ERROR_WRITE) != 0 ? 2 : 1;
    int is_right = 0;
    *error = access | ERROR_USER;
    lock_take(&locks.enclaves);
    uint8_t mapping = enclave->mappings[index];
    if (!page->valid && (mapping & need) != 0)
        (void)page_augment(enclave, index); /* the driver adds absent pages, pending (EAUG) */
    page = page_of(enclave, index);
    if (page->valid && mapping != 0)
        *error |= ERROR_PRESENT;
    if (page->valid && (mapping & need) != 0) {
        is_right = (effective_permissions(enclave, index) & need) != 0;
        *error |= ERROR_SGX;
        apply_permissions(enclave, index, index + 1);
    }
    lock_release(&locks.enclaves);
    return !is_right;
}

static int vector_of(int signal, const struct context *context)
{
    int number = (int)context->reg[TRAP_NUMBER];
    switch (signal) {
    case SIGILL:
        return VECTOR_UD;
    case SIGTRAP:
        return number == VECTOR_BP ? VECTOR_BP : VECTOR_DB;
    default:
        return number;
    }
}

int has_strayed(const struct thread *thread, uint64_t rip)
{
    return !contains_range(thread->enclave, rip, 1);
}

void exit_strayed(struct thread *thread, struct context *context, uint64_t rip)
{
    note("enclave exception: it has left its range without EEXIT, to 0x%lx", rip);
    struct exit_cause cause = {
        .signal = SIGSEGV, .code = SI_KERNEL, .vector = VECTOR_GP, .rip = rip};
    exit_with_exception(thread, context, &cause);
}

/* Sixteen bytes of the enclave, through the emulator's own view: what of them lies in the range. */
static int read_inside(const struct enclave *enclave, uint8_t bytes[16], uint64_t address)
{
    memset(bytes, 0, 16);
    for (unsigned i = 0; i < 16 && contains_range(enclave, address + i, 1); i++)
        bytes[i] = *memory_at(enclave, address + i);
    return contains_range(enclave, address, 1);
}

void signal_inside(struct thread *thread, int signal, const siginfo_t *info,
                   struct context *context)
{
    int is_fault = info->si_code > 0 && (signal == SIGILL || signal == SIGTRAP ||
                                         signal == SIGFPE || signal == SIGSEGV || signal == SIGBUS);
    if (is_interrupt(thread, signal, info))
        return asynchronous_exit(thread, context, context->reg[RIP], NULL);
    if (!is_fault) {
        if (disposition_of(thread, signal).handler == HANDLER_IGNORE)
            return;
        asynchronous_exit(thread, context, context->reg[RIP], NULL);
        deliver(thread, signal, info, context);
        return;
    }
    struct exit_cause cause = {
        .signal = signal,
        .code = info->si_code,
        .vector = vector_of(signal, context),
        .rip = context->reg[RIP],
        .error = (uint32_t)context->reg[ERROR_CODE],
    };
    uint8_t bytes[16];
    if (cause.vector != VECTOR_PF && has_strayed(thread, cause.rip))
        return exit_strayed(thread, context, cause.rip);
    if (cause.vector == VECTOR_GP && read_inside(thread->enclave, bytes, cause.rip) &&
        is_illegal_inside(bytes, sizeof bytes)) {
        cause.signal = SIGILL;
        cause.code = ILL_ILLOPN;
        cause.vector = VECTOR_UD;
        cause.error = 0;
    }
    if (cause.vector == VECTOR_PF) {
        cause.address = context->reg[CR2];
        if (contains_range(thread->enclave, cause.address, 1) &&
            !page_fault(thread, cause.address, &cause.error))
            return;
    }
    exit_with_exception(thread, context, &cause);
}
