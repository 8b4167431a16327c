// SPDX-License-Identifier: Apache-2.0
#include "fast_exit.h"
#include "enclu.h"
#include "exit_stubs.h"
#include "sync_signals.h"

extern const uint8_t fast_exit_saved[], fast_exit_outside[], fast_exit_released[];
extern const uint8_t fast_exit_uncounted[], fast_exit_trap[], fast_exit_enclu[], fast_exit_end[];

#define STATUS_FLAGS 0x8d5UL /* CF PF AF ZF SF OF */
#define FLAG_OF 0x800UL

static int at_or_after(uint64_t rip, const uint8_t *label)
{
    return rip >= (uint64_t)label;
}

/* AH is SF ZF AF PF CF in their places, AL is OF (SDM vol. 2, LAHF and SETO). */
static uint64_t flags_from(uint64_t saved)
{
    return (saved >> 8 & 0xd5) | ((saved & 0xff) != 0 ? FLAG_OF : 0);
}

static void restore_registers(const struct thread *thread, uint64_t *reg)
{
    reg[RDI] = thread->saved_rdi;
    reg[RSI] = thread->saved_rsi;
    reg[RDX] = thread->saved_rdx;
    reg[R11] = thread->saved_r11;
    reg[EFLAGS] = (reg[EFLAGS] & ~STATUS_FLAGS) | flags_from(thread->saved_flags);
}

/* What the code has not done yet, by where it stands. */
static void complete(struct thread *thread, struct context *context, uint64_t rip)
{
    uint64_t *reg = context->reg;
    int saved = at_or_after(rip, fast_exit_saved) && !at_or_after(rip, fast_exit_trap);
    if (saved)
        restore_registers(thread, reg);
    if (!saved || !at_or_after(rip, fast_exit_uncounted))
        thread_comes_outside(thread);
    if (!saved || !at_or_after(rip, fast_exit_released))
        __atomic_store_n(thread->tcs_busy, 0, __ATOMIC_RELEASE);
    thread->inside = 0;
    reg[RIP] = reg[RBX];
    reg[RCX] = thread->aep;
    reg[RAX] = LEAF_EEXIT;
}

int settle_fast_exit(struct thread *thread, int signal, const siginfo_t *info,
                     struct context *context)
{
    uint64_t rip = context->reg[RIP];
    int in_gate = at_or_after(rip, fast_exit) && !at_or_after(rip, fast_exit_end);
    int is_leaving = in_gate && at_or_after(rip, fast_exit_outside);
    if (!in_gate && !is_exit_stub(rip))
        return 0;
    if (!thread->inside && (!is_leaving || at_or_after(rip, fast_exit_trap)))
        return 0; /* the host has jumped into enclave code: its ENCLU will fault */
    if (signal == SIGILL && !is_sent(info))
        return 0; /* the trap */
    complete(thread, context, rip);
    return (signal == SIGSEGV || signal == SIGBUS) && !is_sent(info);
}
