// SPDX-License-Identifier: Apache-2.0
/*
 * The program's memory, from inside the emulator. Pointers in system calls and registers are the
 * program's and may be wrong: every access goes through copies that return -EFAULT.
 */
#ifndef SGXSIM_USER_MEMORY_H
#define SGXSIM_USER_MEMORY_H

#include "base.h"

int copy_guarded(void *to, const void *from, size_t size);
extern const uint8_t copy_guarded_access[], copy_guarded_fault[];

static inline int read_user(void *to, uint64_t from, size_t size)
{
    return copy_guarded(to, (const void *)from, size);
}

static inline int write_user(uint64_t to, const void *from, size_t size)
{
    return copy_guarded((void *)to, from, size);
}

/* Copies a NUL-terminated string, at most `size` bytes with the NUL. Its length, -EFAULT, or
 * -ENAMETOOLONG. */
long read_user_string(char *to, uint64_t from, size_t size);

#endif
