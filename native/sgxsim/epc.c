// SPDX-License-Identifier: Apache-2.0
#include "epc.h"
#include "enclave.h"

#define LARGEST_MIB (1UL << 20)
#define PAGES_PER_MIB (1024 * 1024 / PAGE_SIZE)

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
