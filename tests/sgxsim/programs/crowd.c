// SPDX-License-Identifier: Apache-2.0
/* crowd IMAGE SIGSTRUCT SECONDS: many threads in many enclaves while signals come at 10 kHz; prints
 * TAP. */
#define _GNU_SOURCE
#include "host.h"
#include <asm/sgx.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ENCLAVES = 12, THREADS = 2 * ENCLAVES };
#define PERIOD_US 100

static void *enter_function;
static volatile int stop;
static long received;

static struct worker {
    pthread_t thread;
    uint64_t tcs;
    long calls, wrong;
} workers[THREADS];

/* Real-time signals are queued one by one: as many must arrive as were sent. */
static void count(int signal)
{
    (void)signal;
    __atomic_add_fetch(&received, 1, __ATOMIC_RELAXED);
}

static int through_vdso(uint64_t tcs)
{
    struct sgx_enclave_run run = {.tcs = tcs};
    return vdso_call(enter_function, 1, 0, &run) == 0 && run.function == 4;
}

static int own_enclu(uint64_t tcs)
{
    struct result result = enclave_call(tcs, 1, 0, NULL);
    return result.rax == 4 && result.rdx == 0xfeedface && result.rsi == 0xcafe;
}

static int keeps_registers(uint64_t tcs)
{
    uint64_t saw[8];
    enclave_registers(tcs, 24, saw);
    return saw[0] == 1 && saw[1] == 2 && saw[2] == 3 && saw[3] == 4 && saw[4] == 5 &&
           saw[5] == 0x80000000 && (saw[6] & 0x8d5) == 0x895;
}

static void *work(void *data)
{
    struct worker *worker = data;
    while (!stop) {
        worker->wrong +=
            !through_vdso(worker->tcs) || !own_enclu(worker->tcs) || !keeps_registers(worker->tcs);
        worker->calls += 3;
    }
    return NULL;
}

static void crowd(double seconds)
{
    long sent = 0, calls = 0, wrong = 0, idle = 0;
    for (int i = 0; i < THREADS; i++)
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    for (double end = now() + seconds; now() < end; usleep(PERIOD_US)) {
        union sigval value = {.sival_int = 0};
        /* EAGAIN: the queue is full, nothing was sent. */
        sent += pthread_sigqueue(workers[sent % THREADS].thread, SIGRTMIN, value) == 0;
    }
    stop = 1;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        calls += workers[i].calls;
        wrong += workers[i].wrong;
        idle += workers[i].calls == 0;
    }
    printf("# %ld calls, %ld signals\n", calls, sent);
    check("24 threads in 12 enclaves: every result is right", wrong == 0 && calls > 0);
    check("  every thread came to its turn", idle == 0);
    check("  no signal was lost", sent > 0 && received == sent);
}

static volatile int wide_flag;
static volatile int wide_count;

__attribute__((target("avx512f,avx512bw"))) static void spoil(int signal)
{
    (void)signal;
    __asm__ volatile("vpxord %%zmm31, %%zmm31, %%zmm31; kxorq %%k7, %%k7, %%k7"
                     :
                     :
                     : "xmm31", "k7");
    if (++wide_count == 20)
        wide_flag = 1;
}

/* The enclave's ZMM31 and K7 while handlers that use the same come in between. */
static void wide(const uint8_t *image, size_t size, const uint8_t *sigstruct)
{
    static const char name[] = "ZMM and mask registers over asynchronous exits, XFRM 0xe7";
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw")) {
        check_skipped(name, "the processor has no AVX-512");
        return;
    }
    const char *step;
    int fd;
    uint64_t base = build_enclave_with(image, size, sigstruct, 6, 0xe7, &step, &fd);
    if (base == 0) {
        printf("# %s: %s\n", step, strerror(errno));
        check(name, 0);
        return;
    }
    signal(SIGALRM, spoil);
    timer_t timer;
    struct itimerspec at = {.it_value.tv_nsec = 1000000, .it_interval.tv_nsec = 1000000};
    timer_create(CLOCK_MONOTONIC, NULL, &timer);
    timer_settime(timer, 0, &at, NULL);
    struct result result = enclave_call(base, 25, (uint64_t)&wide_flag, NULL);
    timer_delete(timer);
    check(name, result.rdx == 0x00005a5a00005a5a && result.rsi == 0x5a5a && wide_count >= 20);
}

int main(int argc, char **argv)
{
    size_t size, other;
    const char *step;
    int fd;
    if (argc < 4)
        return 2;
    uint8_t *image = read_file(argv[1], &size);
    uint8_t *sigstruct = read_file(argv[2], &other);
    enter_function = find_vdso_enter();
    for (int i = 0; i < ENCLAVES; i++) {
        uint64_t base = build_enclave(image, size, sigstruct, 6, &step, &fd);
        if (base == 0) {
            printf("Bail out! %s: %s\n", step, strerror(errno));
            return 1;
        }
        workers[2 * i].tcs = base;
        workers[2 * i + 1].tcs = base + SECOND_TCS;
    }
    struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
    sigaction(SIGRTMIN, &action, NULL);
    wide(image, size, sigstruct);
    crowd(atof(argv[3]));
    return finish();
}
