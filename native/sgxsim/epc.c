// SPDX-License-Identifier: Apache-2.0
#include "epc.h"
#include "enclave.h"
#include "log.h"
#include "self_path.h"
#include "user_memory.h"
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <asm/statfs.h>

#ifndef F_SEAL_SEAL
#define F_SEAL_SEAL 1
#define F_SEAL_SHRINK 2
#endif
#ifndef O_TMPFILE
#define O_TMPFILE (020000000 | O_DIRECTORY)
#endif

#define LARGEST_MIB (1UL << 20)
#define PAGES_PER_MIB (1024 * 1024 / PAGE_SIZE)

int epc_pool;

static uint64_t size_mib, limit_pages; /* limit 0: none */

uint32_t epc_read_size(const char *word)
{
    uint64_t value = 0;
    const char *at = word;
    for (; *at >= '0' && *at <= '9' && value <= LARGEST_MIB * 1024; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    if (at == word || *at == 0 || at[1] != 0)
        return 0;
    if (*at == 'G')
        value *= 1024;
    else if (*at == 'K')
        value = value % 1024 == 0 ? value / 1024 : 0;
    else if (*at != 'M')
        return 0;
    return value <= LARGEST_MIB ? (uint32_t)value : 0;
}

void epc_start(uint32_t mib, int enforced)
{
    size_mib = mib;
    limit_pages = enforced ? mib * PAGES_PER_MIB : 0;
}

uint64_t epc_size(void)
{
    return size_mib << 20;
}

int epc_has_room(uint64_t count)
{
    if (limit_pages == 0)
        return 1;
    uint64_t used = enclave_pages(0);
    if (used + count <= limit_pages)
        return 1;
    used = enclave_pages(1);
    return used + count <= limit_pages;
}

static long memory_file(int close_on_exec)
{
    return call(__NR_memfd_create, "sgx_enclave",
                MFD_ALLOW_SEALING | (close_on_exec ? MFD_CLOEXEC : 0));
}

static long pool_file(int close_on_exec)
{
    struct statfs status;
    long fd = call(__NR_openat, AT_CURRENT_DIRECTORY, EPC_POOL,
                   O_TMPFILE | O_RDWR | (close_on_exec ? O_CLOEXEC : 0), 0600);
    if (is_error(fd))
        return fd;
    if (call(__NR_fstatfs, fd, &status) == 0 && status.f_type == TMPFS_MAGIC)
        return fd;
    call(__NR_close, fd);
    return -ENOTDIR;
}

long epc_file(int close_on_exec)
{
    if (!epc_pool)
        return memory_file(close_on_exec);
    long fd = pool_file(close_on_exec);
    if (fd == -ENOSPC)
        return -ENOMEM;
    if (!is_error(fd) || fd == -EMFILE || fd == -ENFILE)
        return fd;
    note("EPC pool: " EPC_POOL " cannot be used: error %d; this enclave is not counted", (int)-fd);
    return memory_file(close_on_exec);
}

int epc_knows_seals(long seals)
{
    if (is_error(seals))
        return 0;
    return (seals & F_SEAL_SHRINK) != 0 || (epc_pool && seals == F_SEAL_SEAL);
}

int epc_take(const void *address, uint64_t size)
{
    uint8_t byte;
    if (!epc_pool)
        return 0;
    for (uint64_t at = page_down((uint64_t)address); at < (uint64_t)address + size; at += PAGE_SIZE)
        if (read_user(&byte, at, 1) != 0)
            return -ENOMEM;
    return 0;
}
