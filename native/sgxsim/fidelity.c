// SPDX-License-Identifier: Apache-2.0
#include "fidelity.h"
#include "enclave.h"
#include "exits.h"
#include "log.h"
#include "own_memory.h"
#include "sync_signals.h"
#include "xstate.h"
#include <linux/time.h>

#ifndef SIGEV_THREAD_ID
#define SIGEV_THREAD_ID 4
#endif
#define SEGV_PKUERR_CODE 4
#define PKEY_DISABLE_ACCESS_BIT 1u
#define SHORTEST_NS 1000U
#define DOUBLINGS 10 /* up to a millisecond: an enclave must get on, whatever a trap costs here */

int fidelity;

static int memory_key; /* 0: none */

void fidelity_start(void)
{
    if (!fidelity)
        return;
    if (!xstate_has_keys()) {
        note("fidelity: no protection keys here: the host's accesses to enclave memory go unseen");
        return;
    }
    long key = call(__NR_pkey_alloc, 0, PKEY_DISABLE_ACCESS_BIT);
    if (is_error(key))
        note("fidelity: no protection key is free: error %d", (int)-key);
    else
        memory_key = (int)key;
}

static int is_under_key(uint64_t xfrm)
{
    return memory_key != 0 && (xfrm & XSTATE_PKRU) == 0;
}

void fidelity_protect(uint64_t address, uint64_t size, int protection, uint64_t xfrm)
{
    if (is_under_key(xfrm))
        call(__NR_pkey_mprotect, address, size, protection, memory_key);
    else
        call(__NR_mprotect, address, size, protection);
}

void fidelity_open_memory(void)
{
    if (memory_key != 0) /* WRPKRU */
        __asm__ volatile(".byte 0x0f, 0x01, 0xef" : : "a"(0), "c"(0), "d"(0) : "memory");
}

/* The access-disable bit of the key in what the thread goes on with. */
static void set_access(const struct thread *thread, struct context *context, int is_allowed)
{
    if (!is_under_key(thread->enclave->layout.xfrm) || context->fpstate == NULL)
        return;
    uint32_t bit = PKEY_DISABLE_ACCESS_BIT << (2 * memory_key);
    uint32_t rights = xstate_pkru(context->fpstate);
    xstate_set_pkru(context->fpstate, is_allowed ? rights & ~bit : rights | bit);
}

/* The kernel keeps timers by process and thread: neither a forked child nor a new image has them.
 */
static int has_timer(struct thread *thread)
{
    if (thread->timer_epoch == fork_epoch())
        return thread->timer >= 0;
    struct sigevent event;
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGTRAP;
    event.sigev_value.sival_ptr = thread;
    event._sigev_un._tid = (int)call(__NR_gettid);
    int timer = -1;
    long error = call(__NR_timer_create, CLOCK_MONOTONIC, &event, &timer);
    if (error != 0)
        note("fidelity: no timer for interrupts: error %d", (int)-error);
    thread->timer = error == 0 ? timer : -1;
    thread->timer_epoch = fork_epoch();
    return error == 0;
}

static void set_timer(const struct thread *thread, uint32_t nanoseconds)
{
    struct {
        int64_t interval[2], value[2];
    } when = {.value = {0, nanoseconds}};
    call(__NR_timer_settime, thread->timer, 0, &when, NULL);
}

/* Each order of magnitude as often as the others; nothing hangs on the quality of the numbers. */
static uint32_t random_delay(struct thread *thread)
{
    uint64_t x = thread->random != 0 ? thread->random : __builtin_ia32_rdtsc() | 1;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    thread->random = x;
    uint32_t from = SHORTEST_NS << (x >> 32) % DOUBLINGS;
    return from + (uint32_t)(x & 0xffffffff) % from;
}

void fidelity_goes_inside(struct thread *thread, struct context *context)
{
    if (!fidelity)
        return;
    if (thread->aside == NULL) {
        long memory = own_memory(page_up(xstate_size(xstate_enabled())));
        thread->aside = is_error(memory) ? NULL : (uint8_t *)memory;
    }
    thread->is_aside = thread->aside != NULL && context->fpstate != NULL;
    if (thread->is_aside)
        xstate_set_aside(context->fpstate, thread->aside, thread->enclave->layout.xfrm);
    set_access(thread, context, 1);
    if (has_timer(thread))
        set_timer(thread, random_delay(thread));
}

void fidelity_comes_outside(struct thread *thread, struct context *context)
{
    if (!fidelity)
        return;
    if (has_timer(thread))
        set_timer(thread, 0);
    if (thread->is_aside && context->fpstate != NULL)
        xstate_bring_back(context->fpstate, thread->aside, thread->enclave->layout.xfrm);
    thread->is_aside = 0;
    set_access(thread, context, 0);
}

void fidelity_forget(struct thread *thread)
{
    if (fidelity && thread->timer_epoch == fork_epoch() && thread->timer >= 0)
        call(__NR_timer_delete, thread->timer);
}

int is_interrupt(const struct thread *thread, int signal, const siginfo_t *info)
{
    return fidelity && signal == SIGTRAP && info->si_code == SI_TIMER && info->si_ptr == thread;
}

static int uses_more_than_allowed(const struct thread *thread, const struct context *context)
{
    uint64_t xfrm = thread->enclave->layout.xfrm;
    uint64_t used = thread->is_aside ? xstate_beyond(context->fpstate, xfrm) : 0;
    if (used == 0)
        return 0;
    complain("fidelity: the enclave has used processor state 0x%lx, which its XFRM 0x%lx does not "
             "allow: a processor raises #UD at the instruction, before +0x%lx",
             used, xfrm, context->reg[RIP] - thread->enclave->base);
    return 1;
}

int fidelity_stops(struct thread *thread, struct context *context)
{
    if (!fidelity || !thread->inside)
        return 0;
    uint64_t rip = context->reg[RIP];
    if (!uses_more_than_allowed(thread, context))
        return 0;
    xstate_clear_beyond(context->fpstate, thread->enclave->layout.xfrm);
    struct exit_cause undefined = {
        .signal = SIGILL, .code = ILL_ILLOPN, .vector = VECTOR_UD, .rip = rip};
    exit_with_exception(thread, context, &undefined);
    return 1;
}

void fidelity_report(int signal, const siginfo_t *info)
{
    if (signal == SIGSEGV && info->si_code == SEGV_PKUERR_CODE && memory_key != 0)
        complain("fidelity: the program touches enclave memory at 0x%lx from outside: a processor "
                 "gives it 0xff and drops what it writes",
                 (unsigned long)info->si_addr);
}
