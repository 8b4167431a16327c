// SPDX-License-Identifier: Apache-2.0
/* plan_open against plans that break a rule of docs/protocol/launch-plan.md. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FUZZ_ROUNDS 20000

/* SETSID, UMASK 022, EXIT; three inherited descriptors 5, 6, 7. */
static const uint8_t good[] = {
    'R', 'U', 'N', 'E', 'P', 'L', 'A', 'N',                           /* 0: magic */
    1,   0,   0,   0,                                                 /* 8: version */
    72,  0,   0,   0,                                                 /* 12: size */
    3,   0,   0,   0,                                                 /* 16: records */
    3,   0,   0,   0,                                                 /* 20: descriptors */
    5,   0,   0,   0,   6,   0,   0,   0,   7,   0, 0, 0, 0, 0, 0, 0, /* 24: and padding */
    7,   0,   0,   0,   0,   0,   0,   0,                             /* 40: SETSID */
    37,  0,   0,   0,   4,   0,   0,   0,   022, 0, 0, 0, 0, 0, 0, 0, /* 48: UMASK */
    68,  0,   0,   0,   0,   0,   0,   0,                             /* 64: EXIT */
};

static int memfd_of(const void *bytes, size_t size)
{
    int fd = memfd_create("plan", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        abort();
    return fd;
}

/* The result of plan_open; the reason of a failure in f. */
static int open_plan(const void *bytes, size_t size, struct run *run, struct failure *f)
{
    int fd = memfd_of(bytes, size);
    int result = plan_open(run, fd, f);
    close(fd);
    return result;
}

static void refused(const uint8_t *bytes, size_t size, const char *reason, const char *name)
{
    struct run run = empty_run();
    struct failure f = {0};
    int result = open_plan(bytes, size, &run, &f);
    ok(result < 0 && f.code == FAILURE_PLAN && strcmp(f.reason, reason) == 0, "%s: %s", name,
       result < 0 ? f.reason : "accepted");
    free((void *)(uintptr_t)run.plan);
}

/* The good plan with four bytes replaced. */
static void changed(size_t offset, uint32_t value, const char *reason, const char *name)
{
    uint8_t bytes[sizeof(good)];
    memcpy(bytes, good, sizeof(bytes));
    memcpy(bytes + offset, &value, 4);
    refused(bytes, sizeof(bytes), reason, name);
}

static void test_good(void)
{
    struct run run = empty_run();
    struct failure f = {0};
    int result = open_plan(good, sizeof(good), &run, &f);
    ok(result == 0, "a good plan is accepted");
    ok(run.slots[0] == 5 && run.slots[1] == 6 && run.slots[2] == 7 && run.slots[3] == -1 &&
           run.slots[255] == -1,
       "its descriptors are in their slots");
    struct record record;
    ok(record_next(&run.next, &record) && record.code == 7, "its first record is next");
    free((void *)(uintptr_t)run.plan);
}

static void test_headers(void)
{
    changed(0, 0x454e5551, "not a launch plan", "magic");
    changed(8, 0, "unknown version", "version 0");
    changed(8, 2, "unknown version", "version 2");
    changed(12, 71, "wrong header", "size too small");
    changed(12, 73, "wrong header", "size too large");
    changed(16, 2, "wrong number of records", "too few records");
    changed(16, 4, "wrong number of records", "too many records");
    changed(16, 0xffffffff, "wrong number of records", "4 billion records");
    changed(20, 257, "wrong header", "too many descriptors");
    changed(20, 0xffffffff, "wrong header", "4 billion descriptors");
    changed(20, 256, "wrong header", "more descriptors than there is room for");
}

static void test_records(void)
{
    changed(40, 0xfffe, "unknown operation", "unknown operation");
    changed(64, 0xffff, "unknown operation", "unknown last operation");
    changed(52, 0xffffffff, "a record does not fit", "payload of 4 GiB");
    changed(52, 0xfffffff9, "a record does not fit", "payload whose padding wraps");
    changed(52, 17, "a record does not fit", "payload beyond the end");
    changed(68, 1, "a record does not fit", "last payload beyond the end");
}

static void test_sizes(void)
{
    bool all = true;
    for (size_t size = 0; size < sizeof(good); size++) {
        struct run run = empty_run();
        struct failure f = {0};
        all = all && open_plan(good, size, &run, &f) < 0 && f.code == FAILURE_PLAN;
        free((void *)(uintptr_t)run.plan);
    }
    ok(all, "every cut of a plan is refused");
    refused(good, 23, "size out of range", "less than a header");
    struct run run = empty_run();
    struct failure f = {0};
    int fd = memfd_create("plan", MFD_CLOEXEC);
    ok(ftruncate(fd, PLAN_MAX + 1) == 0 && plan_open(&run, fd, &f) < 0 &&
           strcmp(f.reason, "size out of range") == 0,
       "more than 16 MiB is refused before it is read");
    close(fd);
    ok(plan_open(&run, fd, &f) < 0 && f.code == FAILURE_SYSCALL && f.errno_value == EBADF,
       "a descriptor that is not open is a failure");
}

static void test_run(void)
{
    struct run run = empty_run();
    struct failure f = {0};
    uint8_t endless[24 + 16];
    memcpy(endless, good, 24);
    memcpy(endless + 24, good + 48, 16);
    endless[12] = sizeof(endless);
    endless[16] = 1;
    endless[20] = 0;
    ok(open_plan(endless, sizeof(endless), &run, &f) == 0 && plan_run(&run, &f) < 0 &&
           strcmp(f.reason, "the plan has no end") == 0 && run.index == 1,
       "a plan without end is run, and its end noticed");
    free((void *)(uintptr_t)run.plan);
    run = empty_run();
    endless[24 + 4] = 0; /* UMASK without its argument */
    ok(open_plan(endless, sizeof(endless), &run, &f) < 0, "a record of another size does not fit");
    free((void *)(uintptr_t)run.plan);
    run = empty_run();
    endless[24 + 4] = 8; /* and with one too many */
    ok(open_plan(endless, sizeof(endless), &run, &f) == 0 && plan_run(&run, &f) < 0 &&
           strcmp(f.reason, "malformed arguments") == 0 && run.index == 0,
       "an operation refuses arguments that are left over");
    free((void *)(uintptr_t)run.plan);
}

static void test_slots(void)
{
    struct run run = empty_run();
    struct failure f = {0};
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ok(slot_fd(&run, 0, &f) == -1 && slot_fd(&run, 256, &f) == -1 &&
           slot_fd(&run, PLAN_NONE, &f) == -1,
       "an empty slot, and one that is none, hold nothing");
    ok(slot_fill(&run, 255, fd, &f) == 0 && slot_fd(&run, 255, &f) == fd, "a slot is filled");
    int other = dup(fd);
    ok(slot_fill(&run, 255, other, &f) < 0 && fcntl(other, F_GETFD) < 0,
       "a slot in use is refused, and the descriptor closed");
    other = dup(fd);
    ok(slot_fill(&run, 256, other, &f) < 0 && fcntl(other, F_GETFD) < 0,
       "a slot out of range is refused, and the descriptor closed");
    close(fd);
}

/* A generator that is the same everywhere: a failure is repeated by its seed and round. */
static uint32_t random_state;

static uint32_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

/* Bits, words and sizes changed. What is accepted must be records that lie within the plan. */
static void test_fuzz(void)
{
    const char *given = getenv("FUZZ_SEED");
    uint32_t seed = given == NULL ? 20261128 : (uint32_t)strtoul(given, NULL, 10);
    random_state = seed == 0 ? 1 : seed;
    int taken = 0, refused = 0, wrong = 0;
    for (int round = 0; round < FUZZ_ROUNDS; round++) {
        uint8_t bytes[sizeof(good) + 16];
        memset(bytes, 0, sizeof(bytes));
        memcpy(bytes, good, sizeof(good));
        size_t size = next_random() % 8 == 0 ? next_random() % sizeof(bytes) : sizeof(good);
        for (uint32_t times = next_random() % 4; times > 0; times--) {
            uint32_t word = next_random() % 3 == 0 ? next_random() : next_random() % 80;
            size_t at = next_random() % sizeof(good) & ~3u;
            if (next_random() % 2 == 0)
                memcpy(bytes + at, &word, 4);
            else
                bytes[at + word % 4] ^= (uint8_t)(1u << next_random() % 8);
        }
        if (next_random() % 2 == 0) {
            uint32_t true_size = (uint32_t)size;
            memcpy(bytes + 12, &true_size, 4); /* past the first check, to the others */
        }
        struct run run = empty_run();
        struct failure f = {0};
        if (open_plan(bytes, size, &run, &f) == 0) {
            taken++;
            wrong += memcmp(bytes, "RUNEPLAN", 8) != 0;
        } else {
            refused++;
            wrong += f.code != FAILURE_PLAN || f.reason[0] == '\0';
        }
        free((void *)(uintptr_t)run.plan);
    }
    ok(taken > 0 && refused > taken && wrong == 0, "changed plans (seed %u): %d taken, %d refused",
       seed, taken, refused);
}

int main(void)
{
    test_fuzz();
    test_good();
    test_headers();
    test_records();
    test_sizes();
    test_run();
    test_slots();
    return tap_done();
}
