// SPDX-License-Identifier: Apache-2.0
#include "maps.h"
#include "legacy.h"
#include "own_memory.h"
#include "exit_stubs.h"
#include "lock.h"
#include <linux/mman.h>

struct page_range {
    uint64_t first, last; /* [first, last) */
};

/* The enclave's pages in [address, address + size). */
static struct page_range range_in(const struct enclave *enclave, uint64_t address, uint64_t size)
{
    uint64_t end = enclave->base + enclave->size;
    uint64_t start = address < enclave->base ? enclave->base : page_down(address);
    uint64_t stop = page_up(address + size);
    if (stop > end || stop < address)
        stop = end;
    return (struct page_range){(start - enclave->base) / PAGE_SIZE,
                               (stop - enclave->base) / PAGE_SIZE};
}

/* sgx_encl_may_map in arch/x86/kernel/cpu/sgx/encl.c: no more than the enclave's author allowed. */
static int may_map(const struct enclave *enclave, struct page_range range, int protection)
{
    PAGES_BETWEEN(enclave, i, range.first, range.last)
    {
        if ((protection & PERMISSIONS & ~enclave->pages[i].max_permissions) != 0)
            return 0;
    }
    return 1;
}

static void set_mapping(struct enclave *enclave, struct page_range range, uint8_t mapping)
{
    for (uint64_t i = range.first; i < range.last; i++) {
        enclave->mapped_count += (mapping != 0) - (uint64_t)(enclave->mappings[i] != 0);
        enclave->mappings[i] = mapping;
    }
}

/* Pages in the range are no longer mapped: something else is there now. With the last page of a
 * finished enclave the emulator gives up its own view too: if the host has closed the descriptor
 * the memory is free, and otherwise the next mmap brings the view back. */
static void forget(uint64_t address, uint64_t size)
{
    struct enclave *enclave = enclave_meeting(address, size);
    if (enclave == NULL)
        return;
    set_mapping(enclave, range_in(enclave, address, size), 0);
    if (enclave->file->initialized && enclave->mapped_count == 0) {
        exit_stubs_remove(enclave);
        enclave_sleep(enclave);
    }
}

int maps_view(struct enclave *enclave, int fd)
{
    if (enclave->memory != NULL)
        return 0;
    long at =
        own_map(enclave->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, enclave->layout.memory);
    if (is_error(at))
        return (int)at;
    enclave->memory = (uint8_t *)at;
    if (enclave->file->initialized)
        exit_stubs_adopt(enclave);
    return 0;
}

static long map_early(struct enclave *enclave, uint64_t address, uint64_t size, int protection,
                      int flags, int fd)
{
    if (enclave->early_count == EARLY_MAPPINGS)
        return -ENOMEM;
    if (address == 0 && enclave->file->kind == KIND_LEGACY) {
        long place = legacy_place(size);
        if (is_error(place))
            return place;
        address = (uint64_t)place; /* which is reserved */
        flags |= MAP_FIXED;
    }
    long at = call(__NR_mmap, address, size, PROT_NONE, flags, fd, 0);
    if (!is_error(at)) {
        unsigned i = enclave->early_count++;
        enclave->early[i].start = (uint64_t)at;
        enclave->early[i].size = page_up(size);
        enclave->early[i].protection = protection & PERMISSIONS;
    }
    return at;
}

static long map_pages(struct enclave *enclave, uint64_t address, uint64_t size, int protection,
                      int placement, int fd)
{
    struct page_range range = range_in(enclave, address, size);
    if (!may_map(enclave, range, protection))
        return -EACCES;
    int error = maps_view(enclave, fd);
    if (error != 0)
        return error;
    long at = call(__NR_mmap, address, size, PROT_NONE, MAP_SHARED | placement, fd,
                   enclave->layout.memory + (address - enclave->base));
    if (is_error(at))
        return at;
    set_mapping(enclave, range, (uint8_t)(PAGE_MAPPED | (protection & PERMISSIONS)));
    apply_permissions(enclave, range.first, range.last);
    return at;
}

/* A hint is as good as a demand where the place is free. */
static int placement(int flags)
{
    return (flags & MAP_FIXED) != 0 ? MAP_FIXED : MAP_FIXED_NOREPLACE;
}

int enclave_mmap(uint64_t address, uint64_t size, int protection, int flags, int fd,
                 uint64_t offset, long *result)
{
    struct enclave *enclave = (flags & MAP_ANONYMOUS) != 0 ? NULL : enclave_by_fd(fd);
    if (enclave == NULL) {
        int fixed = (flags & MAP_FIXED) != 0;
        if (!fixed || enclave_meeting(address, size) == NULL)
            return 0;
        *result = call(__NR_mmap, address, size, protection, flags, fd, offset);
        if (!is_error(*result)) {
            lock_take(&locks.enclaves);
            forget(address, size);
            lock_release(&locks.enclaves);
        }
        return 1;
    }
    lock_take(&locks.enclaves);
    if (enclave->file->kind == KIND_PROVISION)
        *result = -ENODEV;
    else if (size == 0 || (address & PAGE_MASK) != 0 || page_up(size) < size ||
             (flags & MAP_TYPE) == MAP_PRIVATE)
        *result = -EINVAL; /* sgx_get_unmapped_area: private mappings are refused */
    else if (!enclave->created)
        *result = map_early(enclave, address, size, protection, flags, fd);
    else if (!contains_range(enclave, address, page_up(size)))
        *result = -EACCES; /* sgx_encl_may_map */
    else
        *result = map_pages(enclave, address, page_up(size), protection, placement(flags), fd);
    if (*result == -EEXIST && (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) == 0)
        *result = -EACCES; /* the kernel would have chosen a place outside */
    lock_release(&locks.enclaves);
    return 1;
}

int enclave_munmap(uint64_t address, uint64_t size, long *result)
{
    if (enclave_meeting(address, size) == NULL)
        return 0;
    *result = call(__NR_munmap, address, size);
    if (*result == 0) {
        lock_take(&locks.enclaves);
        forget(address, size);
        lock_release(&locks.enclaves);
    }
    return 1;
}

/* Whether the host has mapped any of these pages; otherwise the range is ordinary memory. */
static int is_mapped(const struct enclave *enclave, struct page_range range)
{
    for (uint64_t i = range.first; i < range.last; i++)
        if (enclave->mappings[i] != 0)
            return 1;
    return 0;
}

int enclave_mprotect(uint64_t address, uint64_t size, int protection, long *result)
{
    struct enclave *enclave = enclave_meeting(address, size);
    if (enclave == NULL)
        return 0;
    struct page_range range = range_in(enclave, address, size);
    if (!is_mapped(enclave, range))
        return 0;
    lock_take(&locks.enclaves);
    *result = 0;
    if ((address & PAGE_MASK) != 0 || !contains_range(enclave, address, page_up(size)))
        *result = -EINVAL;
    else if (!may_map(enclave, range, protection))
        *result = -EACCES;
    for (uint64_t i = range.first; *result == 0 && i < range.last; i++)
        if (enclave->mappings[i] == 0)
            *result = -ENOMEM;
    if (*result == 0) {
        set_mapping(enclave, range, (uint8_t)(PAGE_MAPPED | (protection & PERMISSIONS)));
        apply_permissions(enclave, range.first, range.last);
    }
    lock_release(&locks.enclaves);
    return 1;
}

void maps_adopt_early(struct enclave *enclave, int fd)
{
    for (unsigned i = 0; i < enclave->early_count; i++) {
        uint64_t start = enclave->early[i].start, size = enclave->early[i].size;
        if (contains_range(enclave, start, size))
            map_pages(enclave, start, size, enclave->early[i].protection, MAP_FIXED, fd);
    }
}
