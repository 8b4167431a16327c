// SPDX-License-Identifier: Apache-2.0
/*
 * flows IMAGE SIGSTRUCT: how Intel's SDK and Gramine handle exceptions of their enclaves, as their
 * sources describe it (psw/urts/linux/sig_handler.cpp; pal/src/host/linux-sgx/host_exception.c and
 * host_thread.c). Both are stood in for: neither can be had here. Prints TAP.
 */
#define _GNU_SOURCE
#include "host.h"
#include <asm/prctl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define DIVERT 27
#define THREE 28
#define STACK_SIZE 0x10000UL

static uint64_t base;

/* What a handler found; nothing in it is thread-local, because Gramine's threads have no C library.
 */
struct seen {
    volatile int count, wrong;
};
static struct seen sdk, gramine;

static int is_at_aep(const greg_t *reg)
{
    const uint8_t *at = (const uint8_t *)reg[REG_RIP];
    return at == (const uint8_t *)enclave_aep && reg[REG_RAX] == 3 &&
           (uint64_t)reg[REG_RBX] == base && at[0] == 0x0f && at[1] == 0x01 && at[2] == 0xd7;
}

/* The SDK: on the program's own stack, the same signal open, an ECALL with ECMD_EXCEPT. */
static void handle_as_sdk(int signal, siginfo_t *info, void *data)
{
    ucontext_t *context = data;
    (void)info;
    sigset_t open;
    sigprocmask(SIG_BLOCK, NULL, &open);
    sdk.wrong += !is_at_aep(context->uc_mcontext.gregs) || sigismember(&open, signal);
    struct result phase = enclave_call(base, DIVERT, 0, NULL);
    sdk.wrong += phase.rax != 4;
    sdk.count++;
}

static void flow_of_the_sdk(void)
{
    struct sigaction action = {.sa_sigaction = handle_as_sdk,
                               .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART};
    sigfillset(&action.sa_mask);
    const int signals[] = {SIGSEGV, SIGFPE, SIGILL, SIGBUS, SIGTRAP};
    for (unsigned i = 0; i < 5; i++)
        sigdelset(&action.sa_mask, signals[i]);
    for (unsigned i = 0; i < 5; i++)
        sigaction(signals[i], &action, NULL);
    struct result result = enclave_call(base, THREE, 0, NULL);
    check("the SDK's two phases: three exceptions, each handled inside and gone on from",
          result.rax == 4 && result.rdx == 3 && result.rsi == 0x1234);
    check("  the handler saw the AEP, ENCLU there, RAX 3, its signal open",
          sdk.count == 3 && sdk.wrong == 0);
}

/* Gramine's: GS is the thread's control block, in the handler, too; FS is nobody's. */
struct tcb {
    struct tcb *self;
    uint64_t stack[2];
    volatile uint64_t steps, rdx, rsi;
    volatile int tid;
    uint8_t alternate[STACK_SIZE], normal[STACK_SIZE];
};
static struct tcb tcbs[2] __attribute__((aligned(64)));

static long raw_call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

static void handle_as_gramine(int signal, siginfo_t *info, void *data)
{
    ucontext_t *context = data;
    struct tcb *self;
    uint8_t here;
    (void)signal;
    (void)info;
    __asm__("mov %%gs:0, %0" : "=r"(self));
    int on_alternate = &here >= self->alternate && &here < self->alternate + sizeof self->alternate;
    gramine.wrong += self->self != self || !on_alternate || !is_at_aep(context->uc_mcontext.gregs);
    struct result phase = enclave_call(base, DIVERT, 0, NULL);
    gramine.wrong += phase.rax != 4;
    self->steps++;
}

static int thread_of_gramine(void *data)
{
    struct tcb *self = data;
    stack_t alternate = {.ss_sp = self->alternate, .ss_size = sizeof self->alternate};
    if (raw_call(SYS_arch_prctl, ARCH_SET_GS, (long)self, 0) != 0 ||
        raw_call(SYS_sigaltstack, (long)&alternate, 0, 0) != 0)
        gramine.wrong++;
    for (int i = 0; i < 100; i++) {
        struct result result = enclave_call(base, THREE, 0, NULL);
        gramine.wrong += result.rdx != 3 || result.rsi != 0x1234;
    }
    gramine.count++;
    raw_call(SYS_exit, 0, 0, 0);
    return 0;
}

static void flow_of_gramine(void)
{
    struct sigaction action = {.sa_sigaction = handle_as_gramine,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    sigaction(SIGILL, &action, NULL);
    sigaction(SIGFPE, &action, NULL);
    for (int i = 0; i < 2; i++) {
        tcbs[i].self = &tcbs[i];
        int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                    CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
        clone(thread_of_gramine, tcbs[i].normal + STACK_SIZE, flags, &tcbs[i], &tcbs[i].tid, NULL,
              &tcbs[i].tid);
        for (int tid; (tid = tcbs[i].tid) != 0;) /* one after the other: one TCS */
            syscall(SYS_futex, &tcbs[i].tid, FUTEX_WAIT, tid, NULL, NULL, 0);
    }
    check("Gramine's threads, by clone without a TLS: 300 exceptions each",
          gramine.count == 2 && tcbs[0].steps == 300 && tcbs[1].steps == 300);
    check("  its handler is on the thread's alternate stack and finds it by GS",
          gramine.wrong == 0);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    size_t size, other;
    uint8_t *image = read_file(argv[1], &size), *sigstruct = read_file(argv[2], &other);
    const char *step;
    int fd;
    base = build_enclave(image, size, sigstruct, 6, &step, &fd);
    if (base == 0)
        return 2;
    flow_of_the_sdk();
    flow_of_gramine();
    return finish();
}
