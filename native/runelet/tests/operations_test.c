// SPDX-License-Identifier: Apache-2.0
/*
 * Every operation against arguments that are cut, too long, and random. The operations are the real
 * ones, in a child under a seccomp filter that refuses every system call with an effect: what is
 * tested is all they do up to the first such call, and how they fail then. Payloads stand in memory
 * of exactly their size, where the sanitizer sees each byte read beyond.
 */
#include "support.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sanitizer/common_interface_defs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROUNDS 40000
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define ALLOW_CALL(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1), ALLOW

/* "u": u32, "U": u64, "s": string, "b": bytes, "l": list; the counted groups of IDS are `g`. */
struct form {
    uint16_t code;
    const char *arguments;
};

static const struct form forms[] = {
    {1, "sb"},          {2, "uu"},      {3, "usu"},     {4, "Uussu"},   {5, "ul"},
    {6, "U"},           {7, ""},        {8, "usu"},     {9, "b"},       {10, "ub"},
    {15, ""},           {56, "u"},      {16, "sUu"},    {17, "us"},     {18, "sslUUsu"},
    {19, "usUUUUUUUu"}, {20, "suuuuu"}, {21, "ss"},     {22, "sl"},     {23, "s"},
    {24, "u"},          {25, "sU"},     {28, "slUUsu"}, {29, "sUUUul"}, {30, "uussus"},
    {31, "sssUUsu"},    {86, "sb"},     {87, "us"},     {26, "us"},     {27, "s"},
    {32, "s"},          {33, "s"},      {34, "uUU"},    {57, "uU"},     {35, "uuuu"},
    {36, "su"},         {37, "u"},      {38, "uug"},    {39, "U"},      {40, "UUUU"},
    {41, ""},           {42, "ub"},     {43, "u"},      {44, "ss"},     {45, ""},
    {46, "u"},          {47, "ll"},     {48, "usllbb"}, {49, "u"},      {50, "uUuuUUU"},
    {51, "u"},          {52, "ub"},     {53, "u"},      {54, "s"},      {55, "uss"},
    {64, "uuuu"},       {65, "su"},     {66, "s"},      {67, "s"},      {68, ""},
    {69, "l"},          {84, "usllu"},  {106, ""},      {96, "uu"},     {107, ""},
    {11, ""},           {12, "sb"},     {75, ""},       {76, "usllbb"}, {77, "usllbbl"},
    {78, "ub"},         {13, "uu"},
};
#define FORMS (sizeof(forms) / sizeof(forms[0]))

/* What the sandboxed child reports in memory that it shares with the test. */
struct outcome {
    unsigned checked, wrong;
    unsigned opened, executed;
    bool finished;
    char first[128];
};
static struct outcome *outcome;
static uint32_t seed = 20261123;

static uint32_t next_random(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

static void write_good(struct writer *w, const struct form *form)
{
    static const char *const list[] = {"/none/program", "argument", "", NULL};
    write_begin(w, w->start, w->size, form->code, 0);
    for (const char *at = form->arguments; *at != 0; at++) {
        if (*at == 'u')
            write_u32(w, next_random() % 4);
        else if (*at == 'U')
            write_u64(w, next_random() % 4);
        else if (*at == 's')
            write_string(w, "/none/path");
        else if (*at == 'b')
            write_bytes(w, "\0\1\2\3\4\5\6\7", 8);
        else if (*at == 'l')
            write_list(w, list);
        else
            write_u32(w, 2), write_u32(w, 100), write_u32(w, 200);
    }
}

/* Executes an operation with a copy of the payload; its result. */
static int execute(uint16_t code, const uint8_t *payload, size_t size, struct failure *f)
{
    struct run run = empty_run();
    for (unsigned i = 0; i < 3; i++)
        run.slots[i] = 0;
    *f = (struct failure){0};
    uint8_t *copy = malloc(size > 0 ? size : 1);
    memcpy(copy, payload, size);
    struct reader reader = {copy, copy + size, false};
    int result = operation_of(code)(&run, &reader, f);
    free(copy);
    free(run.home);
    return result;
}

static void check(bool right, uint16_t code, const char *what, size_t size)
{
    outcome->checked++;
    if (!right && outcome->wrong++ == 0)
        snprintf(outcome->first, sizeof(outcome->first), "operation %u with %s, %zu bytes", code,
                 what, size);
}

static bool is_malformed(int result, const struct failure *f)
{
    return result < 0 && f->code == FAILURE_PLAN && strcmp(f->reason, "malformed arguments") == 0;
}

/* Every cut of good arguments, and good arguments with something behind them. */
static void check_sizes(void)
{
    uint8_t buffer[1024];
    struct failure f;
    for (size_t i = 0; i < FORMS; i++) {
        struct writer w = {.start = buffer, .size = sizeof(buffer)};
        write_good(&w, &forms[i]);
        size_t size = w.used - RECORD_HEADER;
        for (size_t cut = 0; cut < size; cut++)
            check(is_malformed(execute(forms[i].code, buffer + RECORD_HEADER, cut, &f), &f),
                  forms[i].code, "cut arguments", cut);
        write_u32(&w, 0);
        check(is_malformed(execute(forms[i].code, buffer + RECORD_HEADER, size + 4, &f), &f),
              forms[i].code, "an argument too many", size + 4);
        check(is_malformed(execute(forms[i].code, buffer + RECORD_HEADER, size + 1, &f), &f),
              forms[i].code, "a byte too many", size + 1);
    }
}

static size_t write_plan(uint8_t *plan, size_t size)
{
    static const uint8_t header[24] = "RUNEPLAN\1";
    uint32_t total = sizeof(header), count = 0;
    memcpy(plan, header, sizeof(header));
    for (; count < 12; count++) {
        struct writer w = {.start = plan + total, .size = size - total};
        write_good(&w, &forms[next_random() % FORMS]);
        total += (uint32_t)write_end(&w);
    }
    memcpy(plan + 12, &total, 4);
    memcpy(plan + 16, &count, 4);
    return total;
}

static void mutate(uint8_t *plan, size_t size)
{
    static const uint32_t interesting[] = {
        0,          1,          7,          8,         255, 65536, 65537, 1u << 20, (1u << 20) + 1,
        0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff};
    for (uint32_t n = next_random() % 6; n > 0; n--) {
        /* Mostly behind the header, which would be refused before the rest is looked at. */
        size_t at =
            next_random() % 8 == 0 ? next_random() % size : 24 + next_random() % (size - 24);
        if (next_random() % 2 == 0)
            plan[at] = (uint8_t)next_random();
        else if (at + 4 <= size)
            memcpy(plan + (at & ~(size_t)3), &interesting[next_random() % 13], 4);
    }
}

static void check_random(int fd)
{
    uint8_t plan[8192];
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct run run = empty_run();
        struct failure f = {0};
        struct record record;
        size_t size = write_plan(plan, sizeof(plan));
        mutate(plan, size);
        size -= next_random() % 16 == 0 ? next_random() % size : 0;
        if (ftruncate(fd, (off_t)size) < 0 || pwrite(fd, plan, size, 0) != (ssize_t)size)
            return;
        int result = plan_open(&run, fd, &f);
        check(result == 0 || f.code == FAILURE_PLAN, 0, "a random plan", size);
        outcome->opened += result == 0;
        while (result == 0 && record_next(&run.next, &record)) {
            size_t payload = (size_t)(record.payload.end - record.payload.at);
            if (record.code == 68 && payload == 0)
                continue; /* EXIT would end the test */
            execute(record.code, record.payload.at, payload, &f);
            outcome->executed++;
        }
        free((void *)(uintptr_t)run.plan);
    }
}

/* Allows memory, the plan's descriptor, stat, the sanitizer's report and the end; else EPERM. */
static int confine(int report)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW_CALL(mmap),
        ALLOW_CALL(munmap),
        ALLOW_CALL(mprotect),
        ALLOW_CALL(madvise),
        ALLOW_CALL(mremap),
        ALLOW_CALL(brk),
        ALLOW_CALL(futex),
        ALLOW_CALL(sigaltstack),
        ALLOW_CALL(getpid),
        ALLOW_CALL(gettid),
        ALLOW_CALL(pread64),
        ALLOW_CALL(pwrite64),
        ALLOW_CALL(ftruncate),
        ALLOW_CALL(fstat),
        ALLOW_CALL(newfstatat),
        ALLOW_CALL(exit_group),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_write, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)report, 0, 1),
        ALLOW,
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

static int confined(void *argument)
{
    int report = *(int *)argument, fd = memfd_create("plan", 0);
    __sanitizer_set_report_fd((void *)(intptr_t)report);
    if (fd < 0 || confine(report) < 0)
        return 50;
    if (mkdir("/tmp/runelet-must-not-exist", 0700) == 0 || errno != EPERM)
        return 51;
    check_sizes();
    check_random(fd);
    outcome->finished = true;
    return 0;
}

/* Every code of operations.c has a form here, but those of a PAL, which the static runelet refuses.
 */
static void test_forms(void)
{
    unsigned known = 0, pal = 0;
    for (unsigned code = 0; code <= 0xffff; code++) {
        known += operation_of((uint16_t)code) != NULL;
        if (operation_of((uint16_t)code) == NULL || code < 80 || code > 83)
            continue;
        struct run run = empty_run();
        struct failure f = {0};
        struct reader none = {NULL, NULL, false};
        pal += operation_of((uint16_t)code)(&run, &none, &f) < 0 && f.code == FAILURE_PLAN;
    }
    bool all = true;
    for (size_t i = 0; i < FORMS; i++)
        all = all && operation_of(forms[i].code) != NULL;
    ok(all && known == FORMS + pal && pal == 4, "each of the %u operations is tested", known);
}

/* The data of a WRITE_FILE has no NUL behind it. */
static void test_write_file(void)
{
    uint8_t buffer[256];
    struct failure f;
    struct writer w = {.start = buffer, .size = sizeof(buffer)};
    write_begin(&w, buffer, sizeof(buffer), 1, 0);
    write_string(&w, "/dev/full");
    write_bytes(&w, "0123456789abcdef", 16);
    int result = execute(1, buffer + RECORD_HEADER, w.used - RECORD_HEADER, &f);
    ok(result < 0 && f.errno_value == ENOSPC &&
           strcmp(f.doing, "write `0123456789abcdef` to `/dev/full`") == 0,
       "a failed WRITE_FILE shows its data and no more: %s", f.doing);
    write_begin(&w, buffer, sizeof(buffer), 1, 0);
    write_string(&w, "/none/file");
    write_bytes(&w, "0", 1);
    result = execute(1, buffer + RECORD_HEADER, w.used - RECORD_HEADER, &f);
    ok(result < 0 && f.errno_value == ENOENT, "WRITE_FILE makes no file");
}

/* A report of the sanitizer's, as comment lines. */
static void show_report(int report)
{
    char line[512];
    FILE *file = fdopen(report, "r");
    rewind(file);
    for (int i = 0; i < 40 && fgets(line, sizeof(line), file) != NULL; i++)
        printf("# %s", line);
    fclose(file);
}

/* Lists that an operation leaves when it fails end with its process. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0:symbolize=0";
}

int main(void)
{
    int report = memfd_create("report", 0);
    outcome =
        mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    test_forms();
    test_write_file();
    int64_t start = clock_ms();
    int status = in_child(confined, &report);
    ok(status == 0 && outcome->finished, "no operation reads beyond its arguments (%d)", status);
    ok(outcome->checked > 1000 && outcome->wrong == 0, "%u malformed payloads are refused%s%s",
       outcome->checked, outcome->wrong > 0 ? ", but not " : "", outcome->first);
    ok(outcome->opened > ROUNDS / 4 && outcome->executed > ROUNDS,
       "%u of %u random plans were opened, %u operations executed", outcome->opened, ROUNDS,
       outcome->executed);
    printf("# %lld ms\n", (long long)(clock_ms() - start));
    show_report(report);
    return tap_done();
}
