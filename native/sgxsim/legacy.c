// SPDX-License-Identifier: Apache-2.0
#include "legacy.h"
#include "build.h"
#include "log.h"
#include "own_memory.h"
#include "user_memory.h"
#include <asm/ioctl.h>
#include <linux/mman.h>

struct legacy_create {
    uint64_t secs;
} __attribute__((packed));

struct legacy_add_page {
    uint64_t address, source, secinfo;
    uint16_t measured; /* a bit for each 256 bytes */
} __attribute__((packed));

struct legacy_init {
    uint64_t address, sigstruct, token;
} __attribute__((packed));

#define LEGACY_CREATE _IOW(0xa4, 0, struct legacy_create)
#define LEGACY_ADD_PAGE _IOW(0xa4, 1, struct legacy_add_page)
#define LEGACY_INIT _IOW(0xa4, 2, struct legacy_init)

static long create(struct enclave *enclave, int fd, uint64_t argument)
{
    struct legacy_create request;
    if (read_user(&request, argument, sizeof request) != 0)
        return -EFAULT;
    return enclave_create_from(enclave, fd, request.secs);
}

static long add_page(struct enclave *enclave, int fd, uint64_t argument)
{
    struct legacy_add_page request;
    struct page_source page;
    long error;
    if (read_user(&request, argument, sizeof request) != 0)
        return -EFAULT;
    if (!enclave->created || enclave->file->initialized || enclave->memory == NULL ||
        (request.address & PAGE_MASK) != 0 || !contains_range(enclave, request.address, PAGE_SIZE))
        return -EINVAL;
    if (read_user(&page.secinfo, request.secinfo, sizeof page.secinfo) != 0)
        return -EFAULT;
    if (!secinfo_ok(&page.secinfo))
        return -EINVAL;
    page.offset = request.address - enclave->base;
    page.source = request.source;
    page.measured = request.measured;
    uint64_t index = page.offset / PAGE_SIZE;
    if (enclave_add_batch(enclave, fd, &page, 1, &error) == 1) {
        /* That driver has no rule for mappings: what the processor's table says is all. */
        enclave->pages[index].max_permissions = PERMISSIONS;
        apply_permissions(enclave, index, index + 1);
    }
    return error == -EBUSY ? -EEXIST : error;
}

/* The processor's error code is the result, as of that driver; positive. */
static long init(struct enclave *enclave, uint64_t argument)
{
    struct legacy_init request;
    uint8_t token[SERVICE_TOKEN];
    if (read_user(&request, argument, sizeof request) != 0 ||
        read_user(token, request.token, sizeof token) != 0)
        return -EFAULT;
    if (!enclave->created || !contains_range(enclave, request.address, 1))
        return -EINVAL;
    return enclave_init_from(enclave, request.sigstruct, token);
}

long legacy_ioctl(struct enclave *enclave, int fd, uint32_t request, uint64_t argument)
{
    switch (request) {
    case LEGACY_CREATE:
        return create(enclave, fd, argument);
    case LEGACY_ADD_PAGE:
        return add_page(enclave, fd, argument);
    case LEGACY_INIT:
        return init(enclave, argument);
    default:
        return -ENOTTY;
    }
}

long legacy_place(uint64_t size)
{
    if (size == 0 || (size & (size - 1)) != 0 || size > 1UL << LARGEST_ENCLAVE_BITS)
        return -EINVAL;
    long at =
        call(__NR_mmap, 0, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (is_error(at))
        return at;
    uint64_t start = ((uint64_t)at + size - 1) & ~(size - 1);
    if (start > (uint64_t)at)
        call(__NR_munmap, at, start - (uint64_t)at);
    call(__NR_munmap, start + size, (uint64_t)at + size - start);
    return (long)start;
}
