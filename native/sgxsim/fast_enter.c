// SPDX-License-Identifier: Apache-2.0
#include "fast_enter.h"
#include "enclave.h"
#include "enclu.h"
#include "exit_stubs.h"
#include "exits.h"
#include "fidelity.h"
#include "segment_bases.h"

/*
 * Where the kernel does not keep bases, the FS base is what the word it points at says: on x86-64
 * the thread control block begins with its own address (ELF Handling For Thread-Local Storage,
 * 3.4.6). A program that has it otherwise is not found and traps. The GS base is that of the last
 * trap, because every arch_prctl traps there.
 *
 * Signals are not blocked here, and a handler may enter enclaves on this thread, which overwrites
 * the fields below. So `prepared` is set before them, calling a handler clears it, and thread_enter
 * looks at it.
 */
struct thread *prepare_fast_enter(uint64_t tcs, uint64_t aep)
{
    uint64_t bases[2] = {0, 0};
    if (kernel_keeps_bases())
        save_bases(bases);
    else
        bases[0] = read_fs_word();
    struct thread *thread = thread_by_fs(bases[0]);
    struct enclave *enclave = enclave_at(tcs);
    if (fidelity || thread == NULL || enclave == NULL || !enclave_runs(enclave) ||
        (tcs & PAGE_MASK) != 0 || enclave->generation != enclave->file->generation ||
        is_forked_unseen() || thread->dispatch_epoch != fork_epoch())
        return NULL;
    struct page *page = page_at(enclave, tcs);
    if (!page->valid || page->type != PAGE_TCS || page->state != 0 || page->busy ||
        enclave->mappings[index_of(enclave, tcs)] == 0)
        return NULL;
    struct tcs *control = (struct tcs *)memory_at(enclave, tcs);
    if (control->cssa != 0 || control->nssa == 0)
        return NULL;
    uint64_t missing;
    struct ssa_gpr *gpr = ssa_frame(enclave, control, 0, &missing);
    if (gpr == NULL)
        return NULL;
    thread->prepared = 1;
    __asm__ volatile("" : : : "memory");
    if (kernel_keeps_bases())
        thread->host_gs = bases[1];
    thread->enclave = enclave;
    thread->tcs = tcs;
    thread->aep = aep;
    thread->tcs_busy = &page->busy;
    thread->tcs_cssa = &control->cssa;
    thread->ssa_gpr = (uint8_t *)gpr;
    thread->exit_slot = exit_slot_of(enclave, control);
    thread->enclave_fs = enclave->base + control->ofsbase;
    thread->enclave_gs = enclave->base + control->ogsbase;
    thread->enter_rip = enclave->base + control->oentry;
    thread->enter_rcx = aep + ENCLU_LENGTH;
    return thread;
}

static int between(const struct thread *thread, uint64_t rip, const uint8_t *from,
                   const uint8_t *to)
{
    return rip >= thread_address(thread, from) && rip < thread_address(thread, to);
}

/* Back to the ENCLU instruction: EENTER is still to come. */
static void take_back(struct thread *thread, struct context *context)
{
    context->reg[RIP] = thread->aep;
    context->reg[RCX] = thread->aep;
    context->reg[RAX] = LEAF_EENTER;
}

static void complete(struct thread *thread, struct context *context)
{
    uint64_t rip = context->reg[RIP];
    if (between(thread, rip, thread_enter_saved, thread_enter_loaded)) {
        context->reg[RDI] = thread->saved_rdi;
        context->reg[RSI] = thread->saved_rsi;
        context->reg[R11] = thread->saved_r11;
    }
    if (between(thread, rip, thread_enter_checked, thread_enter_counted))
        thread_goes_inside(thread);
    *thread->exit_slot = (uint64_t)thread;
    struct ssa_gpr *gpr = (struct ssa_gpr *)thread->ssa_gpr;
    gpr->u_rsp = context->reg[RSP];
    gpr->u_rbp = context->reg[RBP];
    context->reg[RIP] = thread->enter_rip;
    context->reg[RCX] = thread->enter_rcx;
    context->reg[RAX] = 0; /* CSSA */
    thread->inside = 1;
}

void settle_fast_enter(struct thread *thread, struct context *context)
{
    uint64_t rip = context->reg[RIP];
    if (!between(thread, rip, thread_enter, thread_code_end))
        return;
    if (between(thread, rip, thread_enter_checked, thread_enter_end))
        return complete(thread, context);
    int claimed = between(thread, rip, thread_enter_claimed, thread_enter_checked) ||
                  between(thread, rip, thread_enter_end, thread_enter_released);
    if (claimed && (context->reg[RAX] & 0xff) == 0)
        __atomic_store_n(thread->tcs_busy, 0, __ATOMIC_RELEASE);
    take_back(thread, context);
}
