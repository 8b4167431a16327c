// SPDX-License-Identifier: Apache-2.0
/*
 * What a program without libc stands on: the memory functions gcc expects, a few string functions,
 * system calls through the gate, and words for sizes.
 */
#ifndef SGXSIM_BASE_H
#define SGXSIM_BASE_H

#include <stddef.h>
#include <stdint.h>
#include <asm/unistd_64.h>
#include <linux/errno.h>

#define PAGE_SIZE 4096UL
#define PAGE_MASK (PAGE_SIZE - 1)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
/* Whether `text` begins with `prefix`. */
int starts_with(const char *text, const char *prefix);
/* The part of `path` behind its last slash. */
const char *last_component(const char *path);

/* Makes a system call from the gate, where the filter lets everything pass. -errno on failure. */
long gate_call(long number, long a, long b, long c, long d, long e, long f);

#define CALL_PADDED(n, a, b, c, d, e, f, ...)                                                      \
    gate_call((long)(n), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
/* call(number, arguments...): up to six, of any integer or pointer type. */
#define call(...) CALL_PADDED(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

static inline int is_error(long result)
{
    return (unsigned long)result > -4096UL;
}

static inline uint64_t page_down(uint64_t address)
{
    return address & ~PAGE_MASK;
}

static inline uint64_t page_up(uint64_t address)
{
    return (address + PAGE_MASK) & ~PAGE_MASK;
}

#endif
