// SPDX-License-Identifier: Apache-2.0
#include "host.h"

#include "enclave.h"
#include "plain_memory.h"

enum { LINUX_EIO = 5, LINUX_ERRNO_MAX = 4095 };

static volatile struct shared *host;

static void copy_out(volatile uint8_t *to, const uint8_t *from, size_t size);
static void copy_in(uint8_t *to, const volatile uint8_t *from, size_t size);

int host_attach(struct shared *shared, uint64_t size)
{
    if (size != sizeof(struct shared) || (uint64_t)shared % 64 != 0 ||
        !enclave_is_outside(shared, size))
        return -1;
    host = shared;
    return 0;
}

void host_put(size_t offset, const void *from, size_t size)
{
    if (offset % 8 != 0 || offset > SHARED_DATA_SIZE || size > SHARED_DATA_SIZE - offset)
        __builtin_trap();
    copy_out(host->data + offset, from, size);
}

void host_get(void *to, size_t offset, size_t size)
{
    if (offset % 8 != 0 || offset > SHARED_DATA_SIZE || size > SHARED_DATA_SIZE - offset)
        __builtin_trap();
    copy_in(to, host->data + offset, size);
}

int64_t host_call(enum host_operation operation, uint64_t first, uint64_t second, uint64_t third,
                  uint64_t fourth, int64_t most)
{
    host->operation = operation;
    host->arguments[0] = first;
    host->arguments[1] = second;
    host->arguments[2] = third;
    host->arguments[3] = fourth;
    enclave_host_call();
    int64_t result = host->result;
    return result < -LINUX_ERRNO_MAX || result > most ? -LINUX_EIO : result;
}

void host_fifth(uint64_t argument)
{
    host->arguments[4] = argument;
}

uint64_t host_extra(void)
{
    return host->extra;
}

struct host_vectors host_vectors(void)
{
    return (struct host_vectors){host->argument_count, host->argument_bytes, host->variable_count,
                                 host->variable_bytes, host->can_grow};
}

void host_log(const char *text)
{
    size_t size = strlen(text);
    host_put(0, text, size);
    host_call(HOST_LOG, size, 0, 0, 0, ANSWER_NONE);
}

/*
 * Whole, aligned quadwords both ways: partial ones leave stale data of the core's buffers where the
 * host sees them, or bring such data in (INTEL-SA-00615). The data area is a multiple of 8 long.
 */
static void copy_out(volatile uint8_t *to, const uint8_t *from, size_t size)
{
    volatile uint64_t *quad = (volatile uint64_t *)to;
    for (; size >= 8; size -= 8, from += 8) {
        uint64_t value;
        memcpy(&value, from, 8);
        *quad++ = value;
    }
    if (size > 0) {
        uint64_t value = 0;
        memcpy(&value, from, size);
        *quad = value;
    }
}

static void copy_in(uint8_t *to, const volatile uint8_t *from, size_t size)
{
    const volatile uint64_t *quad = (const volatile uint64_t *)from;
    for (; size >= 8; size -= 8, to += 8) {
        uint64_t value = *quad++;
        memcpy(to, &value, 8);
    }
    if (size > 0) {
        uint64_t value = *quad;
        memcpy(to, &value, size);
    }
}
