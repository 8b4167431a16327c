// SPDX-License-Identifier: Apache-2.0
/* suite IMAGE SIGSTRUCT: what an enclave and its host may expect of the processor; prints TAP. */
#define _GNU_SOURCE
#include "host.h"
#include <asm/sgx.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static uint64_t base;
static volatile int flag;

/* What the program's signal handler saw, and what it is to do. */
static enum { LOOK, NEST, NEST_VDSO, SKIP_IN_ENCLAVE, GIVE_UP } reaction;
static void *enter_function;
static volatile struct {
    int count, signal, code;
    uint64_t rip, rax, rbx, rcx, rsp, trap, address;
} seen;

static void handle(int signal, siginfo_t *info, void *data)
{
    ucontext_t *context = data;
    greg_t *reg = context->uc_mcontext.gregs;
    seen.count++;
    seen.signal = signal;
    seen.code = info->si_code;
    seen.address = (uint64_t)info->si_addr;
    seen.rip = (uint64_t)reg[REG_RIP];
    seen.rax = (uint64_t)reg[REG_RAX];
    seen.rbx = (uint64_t)reg[REG_RBX];
    seen.rcx = (uint64_t)reg[REG_RCX];
    seen.rsp = (uint64_t)reg[REG_RSP];
    seen.trap = (uint64_t)reg[REG_TRAPNO];
    if (reaction == NEST)
        enclave_call(base, 0, 0, NULL);
    if (reaction == NEST_VDSO) {
        struct sgx_enclave_run run = {.tcs = base};
        vdso_call(enter_function, 1, 0, &run);
    }
    if (reaction == SKIP_IN_ENCLAVE)
        enclave_call(base, 9, 0, NULL);
    if (reaction == GIVE_UP)
        reg[REG_RIP] = (greg_t)enclave_after;
    if (signal == SIGALRM)
        flag = 1;
}

static void prepare(int how)
{
    memset((void *)&seen, 0, sizeof seen);
    reaction = how;
    flag = 0;
}

static void alarm_in_20_ms(void)
{
    static timer_t timer;
    static int made;
    if (!made++)
        timer_create(CLOCK_MONOTONIC, NULL, &timer);
    struct itimerspec at = {.it_value.tv_nsec = 20000000};
    timer_settime(timer, 0, &at, NULL);
}

static uint64_t fs_word(void)
{
    uint64_t value;
    __asm__ volatile("mov %%fs:0, %0" : "=r"(value));
    return value;
}

static void entry_and_exit(void)
{
    uint64_t fs = fs_word();
    struct result result = enclave_call(base, 1, 0, NULL);
    check("FS and GS are the TCS's inside", result.rdx == 0xfeedface && result.rsi == 0xcafe);
    check("EEXIT leaves RAX 4 and the AEP in RCX",
          result.rax == 4 && result.rcx == (uint64_t)enclave_aep);
    check("the host's FS is back", fs_word() == fs);
}

static void interruptions(void)
{
    uint64_t local;
    prepare(LOOK);
    alarm_in_20_ms();
    struct result result = enclave_call(base, 4, (uint64_t)&flag, NULL);
    check("a signal inside: the handler sees the AEP, RAX 3, RBX the TCS, RCX the AEP",
          seen.count == 1 && seen.rip == (uint64_t)enclave_aep && seen.rax == 3 &&
              seen.rbx == base && seen.rcx == (uint64_t)enclave_aep);
    check("  and the host's stack pointer",
          seen.rsp < (uint64_t)&local + 65536 && seen.rsp > (uint64_t)&local - 65536);
    check("  and the enclave goes on with its registers, XMM too",
          result.rdx == ~0UL && result.rsi == 0x1234);
    prepare(NEST);
    alarm_in_20_ms();
    result = enclave_call(base, 4, (uint64_t)&flag, NULL);
    check("EENTER of the same TCS from the signal handler, on the next SSA frame",
          seen.count == 1 && result.rdx == ~0UL);
    prepare(GIVE_UP);
    flag = 0;
    alarm_in_20_ms();
    volatile int never = 0;
    enclave_call(base, 4, (uint64_t)&never, NULL);
    result = enclave_call(base, 8, 0, NULL);
    check("an interruption's EXITINFO is 0", (uint32_t)result.rdx == 0);
}

/* Intel's exception flow: the handler enters the enclave again, which moves RIP in the SSA. */
static void exceptions(uint64_t fresh)
{
    static const struct {
        const char *name;
        uint64_t operation, answer;
        int signal, vector;
    } cases[] = {
        {"SYSCALL inside is #UD", 2, 0x51, SIGILL, 6},
        {"CPUID inside is #UD, where the processor can fault it", 3, 0x51, SIGILL, 6},
        {"UD2 inside is #UD", 6, 0x52, SIGILL, 6},
        {"division by zero inside is #DE", 12, 0x53, SIGFPE, 0},
    };
    base = fresh;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        prepare(SKIP_IN_ENCLAVE);
        struct result result = enclave_call(base, cases[i].operation, 0, NULL);
        if (i == 1 && seen.count == 0) {
            printf("# CPUID was executed: this processor cannot fault it\n");
            continue;
        }
        check(cases[i].name, seen.count == 1 && result.rdx == cases[i].answer &&
                                 seen.signal == cases[i].signal &&
                                 seen.trap == (uint64_t)cases[i].vector &&
                                 seen.rip == (uint64_t)enclave_aep && seen.rax == 3);
    }
    prepare(GIVE_UP);
    enclave_call(base, 6, 0, NULL);
    struct result result = enclave_call(base, 8, 0, NULL);
    check("EXITINFO: valid, hardware exception, vector 6; RIP is in the code page",
          (uint32_t)result.rdx == 0x80000306 && result.rsi > CODE_PAGE &&
              result.rsi < CODE_PAGE + PAGE);
}

static void page_faults(uint64_t fresh)
{
    base = fresh;
    prepare(GIVE_UP);
    enclave_call(base, 10, CODE_PAGE + 8, NULL);
    check("a store to a code page inside is #PF at the page's address",
          seen.count == 1 && seen.signal == SIGSEGV && seen.trap == 14 &&
              seen.address == base + CODE_PAGE && seen.rip == (uint64_t)enclave_aep);
    struct result result = enclave_call(base, 8, 0, NULL);
    check("  with EXITINFO, as MISCSELECT.EXINFO asks", (uint32_t)result.rdx == 0x8000030e);
    enclave_call(base, 9, 0, NULL); /* uses up no frame */
    prepare(GIVE_UP);
    enclave_call(base + SECOND_TCS, 11, 0, NULL);
    check("a load from a TCS inside is #PF", seen.count == 1 && seen.trap == 14);
}

static void refusals(uint64_t fresh)
{
    base = fresh;
    prepare(GIVE_UP);
    enclave_call(base + CODE_PAGE, 0, 0, NULL);
    check("EENTER on a page that is no TCS is #PF",
          seen.count == 1 && seen.signal == SIGSEGV && seen.trap == 14);
    prepare(GIVE_UP);
    enclave_call(base + 8, 0, 0, NULL);
    check("EENTER on an unaligned TCS is #GP", seen.count == 1 && seen.trap == 13);
    prepare(GIVE_UP);
    enclave_call(0x1000, 0, 0, NULL);
    check("EENTER outside any enclave is #PF", seen.count == 1 && seen.trap == 14);
    prepare(GIVE_UP);
    enclave_call(base, 14, 0, NULL);
    check("an unknown leaf inside is #GP", seen.count == 1 && seen.trap == 13);
    prepare(GIVE_UP);
    enclave_call(base, 15, 0, NULL);
    check("EREPORT of an unaligned TARGETINFO is #GP", seen.count == 1 && seen.trap == 13);
    prepare(GIVE_UP);
    enclave_call(base, 0, 0, NULL);
    check("EENTER without a free SSA frame is #GP", seen.count == 1 && seen.trap == 13);
}

static void *call_often(void *argument)
{
    uint64_t tcs = (uint64_t)argument;
    for (int i = 0; i < 20000; i++) {
        struct result result = enclave_call(tcs, 1, 0, NULL);
        if (result.rdx != 0xfeedface || result.rsi != 0xcafe)
            return (void *)1;
    }
    return NULL;
}

static void threads(void)
{
    pthread_t first, second;
    void *failed_first, *failed_second;
    pthread_create(&first, NULL, call_often, (void *)base);
    pthread_create(&second, NULL, call_often, (void *)(base + SECOND_TCS));
    pthread_join(first, &failed_first);
    pthread_join(second, &failed_second);
    check("two threads, 20000 calls each", failed_first == NULL && failed_second == NULL);
}

/* What a signal costs here, handler and all, in ns: at a shorter period nothing else would run. */
static long signal_cost_ns(int how)
{
    enum { TIMES = 200 };
    prepare(how);
    double begin = now();
    for (int i = 0; i < TIMES; i++)
        raise(SIGALRM);
    return (long)((now() - begin) / TIMES * 1e9);
}

/* Calls through the vDSO while signals arrive as fast as they can: the entry without a trap must be
 * interruptible anywhere. */
static int storm(int how, long period_ns)
{
    long cost_ns = signal_cost_ns(how);
    if (period_ns < 4 * cost_ns)
        period_ns = 4 * cost_ns;
    struct sgx_enclave_run run = {.tcs = base + SECOND_TCS};
    struct itimerspec at = {.it_value.tv_nsec = period_ns, .it_interval.tv_nsec = period_ns};
    timer_t timer;
    int failed = 0;
    prepare(how);
    timer_create(CLOCK_MONOTONIC, NULL, &timer);
    timer_settime(timer, 0, &at, NULL);
    for (double end = now() + 0.7; now() < end;)
        for (int i = 0; i < 200; i++)
            failed |= vdso_call(enter_function, 1, 0, &run) != 0 || run.function != 4;
    timer_delete(timer);
    return !failed && seen.count > 0.1e9 / period_ns;
}

static void vdso(void)
{
    void *function = find_vdso_enter();
    struct sgx_enclave_run run = {.tcs = base};
    check("the vDSO has __vdso_sgx_enter_enclave", function != NULL);
    if (function == NULL)
        return;
    int result = vdso_call(function, 1, 0, &run);
    check("a call through the vDSO", result == 0 && run.function == 4);
    result = vdso_call(function, 6, 0, &run);
    check("an exception inside is reported in struct sgx_enclave_run",
          result == 0 && run.function == 3 && run.exception_vector == 6);
    memset(&run, 0, sizeof run);
    run.tcs = base + CODE_PAGE;
    result = vdso_call(function, 1, 0, &run);
    check("so is EENTER on a page that is no TCS",
          result == 0 && run.function == 2 && run.exception_vector == 14);
    memset(&run, 0, sizeof run);
    run.reserved[3] = 1;
    run.tcs = base;
    check("reserved bytes must be zero", vdso_call(function, 1, 0, &run) == -EINVAL);

    enter_function = function;
    check("calls through the vDSO under a storm of signals", storm(LOOK, 23000));
    check("  whose handler enters the enclave through the vDSO too", storm(NEST_VDSO, 61000));
}

static void forks(void)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct sgx_enclave_run run = {.tcs = base};
        int good = vdso_call(enter_function, 1, 0, &run) == 0 && run.function == 4;
        good &= enclave_call(base, 1, 0, NULL).rdx == 0xfeedface;
        munmap((void *)base, ENCLAVE_SIZE);
        _exit(good ? 9 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    check("a forked child has the enclave too", WIFEXITED(status) && WEXITSTATUS(status) == 9);
    check("  and unmapping it there does nothing here",
          enclave_call(base, 1, 0, NULL).rdx == 0xfeedface);
}

static int count_device_mappings(void)
{
    char line[1024];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL)
        found += strstr(line, "sgx_enclave") != NULL;
    if (maps != NULL)
        fclose(maps);
    return found;
}

static void lives(const uint8_t *image, size_t size, const uint8_t *sigstruct)
{
    int before = count_device_mappings(), good = 0;
    for (int i = 0; i < 100; i++) {
        const char *step;
        int fd;
        uint64_t at = build_enclave(image, size, sigstruct, 6, &step, &fd);
        good += at != 0 && enclave_call(at, 1, 0, NULL).rdx == 0xfeedface;
        munmap((void *)at, ENCLAVE_SIZE);
        close(fd);
    }
    check("100 enclaves one after the other, of which no memory stays",
          good == 100 && count_device_mappings() == before);
}

/* The driver adds pages up to the first that it cannot read, and says how many. */
static void partial_counts(void)
{
    static uint8_t secs[PAGE] __attribute__((aligned(4096)));
    struct {
        uint64_t flags;
        uint8_t reserved[56];
    } __attribute__((aligned(64))) secinfo = {.flags = 0x203};
    int fd = open("/dev/sgx_enclave", O_RDWR), copy = dup(fd);
    uint8_t *area = mmap(NULL, 2 * ENCLAVE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t at = ((uint64_t)area + ENCLAVE_SIZE - 1) & ~(ENCLAVE_SIZE - 1);
    void *early =
        mmap((void *)at, ENCLAVE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    memcpy(secs, &(uint64_t){ENCLAVE_SIZE}, 8);
    memcpy(secs + 8, &at, 8);
    memcpy(secs + 16, &(uint32_t){1}, 4);
    memcpy(secs + 48, &(uint64_t){6}, 8);
    memcpy(secs + 56, &(uint64_t){3}, 8);
    struct sgx_enclave_create create = {.src = (uint64_t)secs};
    uint8_t *source =
        mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(source + 2 * PAGE, PAGE, PROT_NONE);
    source[PAGE] = 0x5a;
    struct sgx_enclave_add_pages pages = {
        .src = (uint64_t)source, .offset = PAGE, .length = 3 * PAGE, .secinfo = (uint64_t)&secinfo};
    check("mmap before CREATE", early == (void *)at);
    check("CREATE through a copy of the descriptor",
          ioctl(copy, SGX_IOC_ENCLAVE_CREATE, &create) == 0);
    check("ADD_PAGES of three pages of which two can be read",
          ioctl(fd, SGX_IOC_ENCLAVE_ADD_PAGES, &pages) == -1 && errno == EFAULT &&
              pages.count == 2 * PAGE);
    check("  which are where the early mapping is", ((uint8_t *)at)[2 * PAGE] == 0x5a);
    pages.src = (uint64_t)source;
    pages.length = PAGE;
    check("a page that is there already is EBUSY",
          ioctl(fd, SGX_IOC_ENCLAVE_ADD_PAGES, &pages) == -1 && errno == EBUSY);
    pages.offset = ENCLAVE_SIZE;
    check("a page outside is EINVAL",
          ioctl(fd, SGX_IOC_ENCLAVE_ADD_PAGES, &pages) == -1 && errno == EINVAL);
    check("execution is not to be had of a page that was added without it",
          mprotect((void *)(at + PAGE), PAGE, PROT_READ | PROT_EXEC) == -1 && errno == EACCES);
    check("an ioctl the driver does not have is ENOTTY",
          ioctl(fd, _IO(0xa4, 0x33)) == -1 && errno == ENOTTY);
    close(fd);
    close(copy);
}

static void old_state(uint64_t fresh)
{
    base = fresh;
    __asm__ volatile("pcmpeqd %%xmm5, %%xmm5" : : : "xmm5");
    struct result result = enclave_call(base, 16, 0, NULL);
    check("EENTER passes the host's XMM registers on", result.rdx == ~0UL);
}

int main(int argc, char **argv)
{
    size_t size, sigstruct_size;
    if (argc < 3)
        return 2;
    uint8_t *image = read_file(argv[1], &size);
    uint8_t *sigstruct = read_file(argv[2], &sigstruct_size);
    uint64_t enclave[5];
    for (int i = 0; i < 5; i++) {
        const char *step;
        int fd;
        enclave[i] = build_enclave(image, size, sigstruct, 6, &step, &fd);
        if (enclave[i] == 0) {
            printf("Bail out! %s: %s\n", step, strerror(errno));
            return 1;
        }
    }
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    static const int signals[] = {SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP, SIGALRM};
    for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &action, NULL);
    base = enclave[0];
    entry_and_exit();
    old_state(enclave[0]);
    interruptions();
    exceptions(enclave[1]);
    page_faults(enclave[2]);
    refusals(enclave[3]);
    base = enclave[4];
    threads();
    vdso();
    forks();
    lives(image, size, sigstruct);
    partial_counts();
    return finish();
}
