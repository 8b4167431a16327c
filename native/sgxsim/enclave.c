// SPDX-License-Identifier: Apache-2.0
#include "enclave.h"
#include <asm/stat.h>
#include <linux/mman.h>

/* Newest first. Objects live as long as the process, because a host may keep a descriptor for ever;
 * their memory goes when the last page is unmapped and the last descriptor closed (maps.c). */
static struct enclave *enclaves;

struct enclave *enclave_new(int fd)
{
    struct stat status;
    if (is_error(call(__NR_fstat, fd, &status)))
        return NULL;
    long memory = call(__NR_mmap, 0, page_up(sizeof(struct enclave)), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (is_error(memory))
        return NULL;
    struct enclave *enclave = (struct enclave *)memory;
    enclave->device = status.st_dev;
    enclave->inode = status.st_ino;
    enclave->next = __atomic_load_n(&enclaves, __ATOMIC_ACQUIRE);
    while (!__atomic_compare_exchange_n(&enclaves, &enclave->next, enclave, 0, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
        ;
    return enclave;
}

static struct enclave *first(void)
{
    return __atomic_load_n(&enclaves, __ATOMIC_ACQUIRE);
}

struct enclave *enclave_by_fd(int fd)
{
    struct stat status;
    if (first() == NULL || is_error(call(__NR_fstat, fd, &status)))
        return NULL;
    for (struct enclave *enclave = first(); enclave != NULL; enclave = enclave->next)
        if (enclave->inode == status.st_ino && enclave->device == status.st_dev)
            return enclave;
    return NULL;
}

struct enclave *enclave_meeting(uint64_t start, uint64_t size)
{
    for (struct enclave *enclave = first(); enclave != NULL; enclave = enclave->next)
        if (enclave->created && enclave->memory != NULL && start < enclave->base + enclave->size &&
            enclave->base < start + size)
            return enclave;
    return NULL;
}

struct enclave *enclave_at(uint64_t address)
{
    return enclave_meeting(address, 1);
}

uint64_t next_page(const struct enclave *enclave, uint64_t from)
{
    uint64_t count = enclave->size / PAGE_SIZE;
    while (from < count && !enclave->pages[from].valid)
        from++;
    return from;
}

struct page *page_at(const struct enclave *enclave, uint64_t address)
{
    return &enclave->pages[index_of(enclave, address)];
}

/* TCS pages are the processor's alone. */
int effective_permissions(const struct enclave *enclave, uint64_t index)
{
    const struct page *page = &enclave->pages[index];
    uint8_t mapping = enclave->mappings[index];
    if (mapping == 0 || !page->valid || page->type != PAGE_REG ||
        (page->state & (PAGE_PENDING | PAGE_MODIFIED)) != 0)
        return 0;
    return mapping & page->permissions & PERMISSIONS;
}

void apply_permissions(struct enclave *enclave, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to;) {
        int permissions = effective_permissions(enclave, i);
        int mapped = enclave->mappings[i] != 0;
        uint64_t end = i + 1;
        while (end < to && effective_permissions(enclave, end) == permissions &&
               (enclave->mappings[end] != 0) == mapped)
            end++;
        if (mapped)
            call(__NR_mprotect, enclave->base + i * PAGE_SIZE, (end - i) * PAGE_SIZE, permissions);
        i = end;
    }
}

void page_augment(struct enclave *enclave, uint64_t index)
{
    struct page *page = &enclave->pages[index];
    *page = (struct page){.valid = 1,
                          .permissions = 3,
                          .type = PAGE_REG,
                          .state = PAGE_PENDING,
                          .max_permissions = PERMISSIONS};
    memset(enclave->memory + index * PAGE_SIZE, 0, PAGE_SIZE);
}
