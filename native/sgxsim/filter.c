// SPDX-License-Identifier: Apache-2.0
/*
 * The filter is built from two tables: calls that always trap, and calls whose arguments decide.
 * It begins with what lets most calls pass soonest.
 */
#include "filter.h"
#include "layout.h"
#include "log.h"
#include "segment_bases.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>

static const uint16_t always[] = {
    __NR_execve,       __NR_execveat,    __NR_open,          __NR_openat,       __NR_openat2,
    __NR_munmap,       __NR_mprotect,    __NR_pkey_mprotect, __NR_rt_sigaction, __NR_rt_sigprocmask,
    __NR_rt_sigreturn, __NR_sigaltstack, __NR_readlink,      __NR_readlinkat,   __NR_clone3,
};
static const uint16_t with_nodes[] = {
    __NR_stat,   __NR_lstat,     __NR_newfstatat, __NR_statx,
    __NR_access, __NR_faccessat, __NR_faccessat2,
};
/* Where segment bases change only so (segment_bases.h), the emulator keeps account of them. */
static const uint16_t with_bases[] = {__NR_arch_prctl};
static const uint16_t by_argument[] = {__NR_ioctl, __NR_mmap, __NR_clone};

#define SGX_IOCTL_TYPE 0xa400 /* bits 8-15 of the request */
#define PROGRAM_MAX 80

struct program {
    struct sock_filter code[PROGRAM_MAX];
    uint16_t length;
};

static void add(struct program *program, uint16_t code, uint8_t if_true, uint8_t if_false,
                uint32_t k)
{
    if (program->length == PROGRAM_MAX)
        give_up(STATUS_SETUP, "build filter: too long");
    program->code[program->length++] = (struct sock_filter){code, if_true, if_false, k};
}

static void load(struct program *program, size_t offset)
{
    add(program, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void give(struct program *program, uint32_t verdict)
{
    add(program, BPF_RET | BPF_K, 0, 0, verdict);
}

static void load_argument(struct program *program, unsigned index)
{
    load(program, offsetof(struct seccomp_data, args) + 8 * index);
}

/* mmap concerns enclaves when it may replace one's memory or map its descriptor. */
static void decide_mmap(struct program *program)
{
    load_argument(program, 3);
    add(program, BPF_JMP | BPF_JSET | BPF_K, 4, 0, MAP_FIXED | MAP_FIXED_NOREPLACE);
    add(program, BPF_JMP | BPF_JSET | BPF_K, 2, 0, MAP_ANONYMOUS);
    add(program, BPF_JMP | BPF_JSET | BPF_K, 0, 1, MAP_SHARED);
    give(program, SECCOMP_RET_TRAP);
    give(program, SECCOMP_RET_ALLOW);
    give(program, SECCOMP_RET_TRAP);
}

static void decide_ioctl(struct program *program)
{
    load_argument(program, 1);
    add(program, BPF_ALU | BPF_AND | BPF_K, 0, 0, 0xff00);
    add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SGX_IOCTL_TYPE);
    give(program, SECCOMP_RET_TRAP);
    give(program, SECCOMP_RET_ALLOW);
}

static void decide_clone(struct program *program)
{
    load_argument(program, 0);
    add(program, BPF_ALU | BPF_AND | BPF_K, 0, 0, CLONE_VM | CLONE_VFORK);
    add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, CLONE_VM);
    give(program, SECCOMP_RET_TRAP);
    give(program, SECCOMP_RET_ALLOW);
}

/* "if the number is `number`, the code that `decide` adds"; every branch of it returns. */
static void branch(struct program *program, uint16_t number, void (*decide)(struct program *))
{
    uint16_t jump = program->length;
    add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, number);
    decide(program);
    program->code[jump].jf = (uint8_t)(program->length - jump - 1);
}

static void trap_numbers(struct program *program, const uint16_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(program, BPF_JMP | BPF_JEQ | BPF_K, (uint8_t)(count - i), 0, numbers[i]);
    add(program, BPF_JMP | BPF_JA, 0, 0, 1);
    give(program, SECCOMP_RET_TRAP);
}

static void build(struct program *program, int virtual_nodes)
{
    load(program, offsetof(struct seccomp_data, arch));
    add(program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_X86_64);
    give(program, SECCOMP_RET_ALLOW); /* int 0x80: none of our calls */
    load(program, offsetof(struct seccomp_data, instruction_pointer) + 4);
    add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 3, AREA_UPPER);
    load(program, offsetof(struct seccomp_data, instruction_pointer));
    add(program, BPF_JMP | BPF_JGE | BPF_K, 1, 0, AREA_GATES);
    give(program, SECCOMP_RET_ALLOW);
    load(program, offsetof(struct seccomp_data, nr));
    branch(program, __NR_ioctl, decide_ioctl);
    branch(program, __NR_mmap, decide_mmap);
    branch(program, __NR_clone, decide_clone);
    trap_numbers(program, always, COUNT(always));
    if (virtual_nodes)
        trap_numbers(program, with_nodes, COUNT(with_nodes));
    if (!kernel_keeps_bases())
        trap_numbers(program, with_bases, COUNT(with_bases));
    give(program, SECCOMP_RET_ALLOW);
}

/* With CAP_SYS_ADMIN no_new_privs stays as it is: the container's own steps come later. */
long filter_install(int virtual_nodes)
{
    struct program program = {.length = 0};
    build(&program, virtual_nodes);
    struct sock_fprog load_this = {.len = program.length, .filter = program.code};
    long result = call(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &load_this);
    if (result != -EACCES)
        return result;
    result = call(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return is_error(result) ? result : call(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &load_this);
}

static int contains(const uint16_t *numbers, size_t count, long number)
{
    for (size_t i = 0; i < count; i++)
        if (numbers[i] == number)
            return 1;
    return 0;
}

int is_trapped_call(long number)
{
    return contains(always, COUNT(always), number) ||
           contains(with_nodes, COUNT(with_nodes), number) ||
           contains(with_bases, COUNT(with_bases), number) ||
           contains(by_argument, COUNT(by_argument), number);
}
