// SPDX-License-Identifier: Apache-2.0
/*
 * strict IMAGE SIGSTRUCT [fidelity]: what a processor would not let pass, and the platform only
 * with
 * --fidelity refuses; prints TAP.
 */
#define _GNU_SOURCE
#include "host.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#define SPIN 4
#define JUMP 23
#define WIDE 26

static int faithful;
static uint64_t base;
static volatile uint32_t interrupts;
static volatile uint32_t flag;
static volatile uint64_t trap;

/* EENTER whose asynchronous exits are counted before they resume. */
struct result counted_call(uint64_t tcs, uint64_t operation, uint64_t argument,
                           volatile uint32_t *count);
__asm__("counted_call:\n"
        "    push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rdi\n"
        "    mov %rsi, %rbx; mov %rdx, %rdi; mov %rcx, %rsi; mov %r8, counter(%rip)\n"
        "    lea counted_aep(%rip), %rcx; mov $2, %eax\n"
        "    .byte 0x0f, 0x01, 0xd7\n"
        "    pop %rdi\n"
        "    mov %rax, (%rdi); mov %rdx, 8(%rdi); mov %rsi, 16(%rdi); mov %rcx, 24(%rdi)\n"
        "    mov %rdi, %rax\n"
        "    pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n"
        "counted_aep:\n"
        "    mov counter(%rip), %rdx; lock incl (%rdx)\n"
        "    .byte 0x0f, 0x01, 0xd7\n"
        ".local counter\n.comm counter, 8, 8\n");

static void *raise_flag(void *nothing)
{
    usleep(200000);
    flag = 1;
    return nothing;
}

static void interrupts_inside(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, raise_flag, NULL);
    struct result result = counted_call(base, SPIN, (uint64_t)&flag, &interrupts);
    pthread_join(thread, NULL);
    check("the enclave's registers outlast its interrupts",
          result.rdx == ~0UL && result.rsi == 0x1234);
    check(faithful ? "it was interrupted" : "nothing interrupted it",
          faithful ? interrupts > 5 : interrupts == 0);
}

static void give_up(int signal, siginfo_t *info, void *data)
{
    (void)signal;
    (void)info;
    ucontext_t *context = data;
    trap = (uint64_t)context->uc_mcontext.gregs[REG_TRAPNO];
    context->uc_mcontext.gregs[REG_RIP] = (greg_t)enclave_after;
}

/* Code of the host that an enclave jumps to: it runs half a second without a trap of its own. */
static volatile uint32_t strayed_so_far;
__attribute__((noreturn)) static void outside(void)
{
    for (uint32_t i = 0; i < 100000000; i++)
        strayed_so_far = i;
    __asm__ volatile("mov $4, %%eax; .byte 0x0f, 0x01, 0xd7; ud2" : : : "memory");
    __builtin_unreachable();
}

static void straying(void)
{
    trap = 0;
    enclave_call(base, JUMP, (uint64_t)outside, NULL);
    check("code outside the enclave without EEXIT is #GP", trap == 13);
    check(faithful ? "  and does not get far" : "  at its first trap",
          (strayed_so_far == 99999999) == !faithful);
}

__attribute__((target("avx2"))) static void beyond_xfrm(const char *image, const char *sigstruct)
{
    if (!__builtin_cpu_supports("avx2"))
        return check_skipped("state that XFRM does not allow", "no AVX2");
    /* A new enclave: the first one's frames are full of what has not been resumed. */
    size_t size, signed_size;
    uint8_t *bytes = read_file(image, &size), *signature = read_file(sigstruct, &signed_size);
    const char *step;
    int fd;
    base = build_enclave(bytes, size, signature, 4, &step, &fd);
    uint8_t upper[32], back[32];
    memset(upper, 0x5a, sizeof upper);
    __asm__ volatile("vmovdqu %0, %%ymm9" : : "m"(upper) : "xmm9");
    enclave_call(base, 0, 0, NULL);
    __asm__ volatile("vmovdqu %%ymm9, %0" : "=m"(back));
    check("the host's state that XFRM does not name stays", memcmp(upper, back, 32) == 0);
    trap = 0;
    enclave_call(base, WIDE, 0, NULL);
    check(faithful ? "AVX with an XFRM without it is #UD" : "AVX passes with an XFRM without it",
          trap == (faithful ? 6 : 0));
}

static sigjmp_buf back;
static volatile int code;

static void go_back(int signal, siginfo_t *info, void *data)
{
    (void)signal;
    (void)data;
    code = info->si_code;
    siglongjmp(back, 1);
}

/* A processor gives 0xff and no fault; a program that gets that far has a bug all the same. */
static void touching(void)
{
    if (!__builtin_cpu_supports("pku"))
        return check_skipped("enclave memory from outside", "no protection keys");
    struct sigaction action = {.sa_sigaction = go_back, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    volatile uint8_t *data = (volatile uint8_t *)(base + 4 * PAGE);
    code = 0;
    if (sigsetjmp(back, 1) == 0)
        (void)*data;
    check("a load from enclave memory outside", code == (faithful ? SEGV_PKUERR : 0));
    code = 0;
    if (sigsetjmp(back, 1) == 0)
        *data = 0;
    check("  and a store", code == (faithful ? SEGV_PKUERR : 0));
    int ends[2];
    check("  and the kernel's",
          pipe(ends) == 0 && write(ends[1], (const void *)data, 1) == (faithful ? -1 : 1));
    struct result result = enclave_call(base, 0, 0, NULL);
    check("the enclave can all the same", result.rax == 4);
}

int main(int argc, char **argv)
{
    faithful = argc > 3 && strcmp(argv[3], "fidelity") == 0;
    size_t size, signed_size;
    uint8_t *image = read_file(argv[1], &size), *sigstruct = read_file(argv[2], &signed_size);
    const char *step;
    int fd;
    base = build_enclave(image, size, sigstruct, 4, &step, &fd);
    if (base == 0)
        return 2;
    interrupts_inside();
    struct sigaction action = {.sa_sigaction = give_up, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    straying();
    beyond_xfrm(argv[1], argv[2]);
    touching();
    return finish();
}
