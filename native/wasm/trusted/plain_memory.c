// SPDX-License-Identifier: Apache-2.0
/*
 * Compiled with -fno-builtin, so that no loop here becomes a call of itself. Every processor with
 * SGX has fast string instructions.
 */
#include "plain_memory.h"

#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    void *start = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size)::"memory");
    return start;
}

void *memmove(void *to, const void *from, size_t size)
{
    if ((uintptr_t)to - (uintptr_t)from >= size)
        return memcpy(to, from, size);
    uint8_t *target = (uint8_t *)to + size;
    const uint8_t *source = (const uint8_t *)from + size;
    /* Backwards: by eights as long as they do not overlap each other, which `rep` cannot fast. */
    while (size >= 8) {
        uint64_t value;
        target -= 8;
        source -= 8;
        size -= 8;
        __builtin_memcpy(&value, source, 8);
        __builtin_memcpy(target, &value, 8);
    }
    while (size-- > 0)
        *--target = *--source;
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    void *start = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(byte) : "memory");
    return start;
}

int memcmp(const void *left, const void *right, size_t size)
{
    const uint8_t *a = left, *b = right;
    for (size_t i = 0; i < size; i++) {
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    }
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;
    while (text[length] != '\0')
        length++;
    return length;
}

bool equal_in_constant_time(const void *left, const void *right, size_t size)
{
    const volatile uint8_t *a = left, *b = right;
    uint8_t difference = 0;
    for (size_t i = 0; i < size; i++)
        difference |= a[i] ^ b[i];
    return difference == 0;
}

void wipe(void *memory, size_t size)
{
    memset(memory, 0, size);
    __asm__ volatile("" ::"r"(memory) : "memory");
}
