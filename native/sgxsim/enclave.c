// SPDX-License-Identifier: Apache-2.0
#include "enclave.h"
#include "own_memory.h"
#include "epc.h"
#include "fidelity.h"
#include "log.h"
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#define F_GET_SEALS 1034
#define F_SEAL_SHRINK 2
#endif
#define S_IFMT_BITS 0170000
#define S_IFREG_BITS 0100000

#define DESCRIPTORS 1024 /* that are looked at for closed ones */

/* Newest first. Objects live as long as the process, because a host may keep a descriptor for ever;
 * their memory goes when the last page is unmapped (maps.c) and the last descriptor closed. */
static struct enclave *enclaves;

static struct enclave *first(void)
{
    return __atomic_load_n(&enclaves, __ATOMIC_ACQUIRE);
}

static long map_header(int fd)
{
    return own_map(ENCLAVE_HEADER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static struct enclave *add_object(int fd, const struct stat *status)
{
    long file = map_header(fd);
    if (is_error(file))
        return NULL;
    long memory = own_memory(page_up(sizeof(struct enclave)));
    if (is_error(memory)) {
        call(__NR_munmap, file, ENCLAVE_HEADER_SIZE);
        return NULL;
    }
    struct enclave *enclave = (struct enclave *)memory;
    enclave->device = status->st_dev;
    enclave->inode = status->st_ino;
    enclave->file = (struct enclave_header *)file;
    enclave->next = first();
    while (!__atomic_compare_exchange_n(&enclaves, &enclave->next, enclave, 0, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
        ;
    return enclave;
}

struct enclave *enclave_new(int fd, enum enclave_kind kind)
{
    struct stat status;
    if (is_error(call(__NR_fstat, fd, &status)) ||
        call(__NR_ftruncate, fd, ENCLAVE_HEADER_SIZE) != 0)
        return NULL;
    call(__NR_fcntl, fd, F_ADD_SEALS, F_SEAL_SHRINK);
    if (!epc_knows_seals(call(__NR_fcntl, fd, F_GET_SEALS)))
        return NULL;
    struct enclave *enclave = add_object(fd, &status);
    if (enclave != NULL && epc_take(enclave->file, ENCLAVE_HEADER_SIZE) != 0) {
        call(__NR_munmap, enclave->file, ENCLAVE_HEADER_SIZE);
        enclave->file = NULL;
        return NULL;
    }
    if (enclave != NULL) {
        enclave->file->kind = kind;
        memcpy(enclave->file->magic, ENCLAVE_MAGIC, sizeof enclave->file->magic);
    }
    return enclave;
}

/* Only a sealed file of sufficient size that begins with the magic is one of ours. */
static struct enclave *recognise(int fd, const struct stat *status)
{
    uint8_t magic[sizeof((struct enclave_header *)NULL)->magic];
    if ((status->st_mode & S_IFMT_BITS) != S_IFREG_BITS ||
        (uint64_t)status->st_size < ENCLAVE_HEADER_SIZE)
        return NULL;
    if (!epc_knows_seals(call(__NR_fcntl, fd, F_GET_SEALS)) ||
        call(__NR_pread64, fd, magic, sizeof magic, 0) != sizeof magic ||
        memcmp(magic, ENCLAVE_MAGIC, sizeof magic) != 0)
        return NULL;
    note("descriptor %d: a device that another process has opened", fd);
    return add_object(fd, status);
}

struct enclave *enclave_by_fd(int fd)
{
    struct stat status;
    if (is_error(call(__NR_fstat, fd, &status)))
        return NULL;
    struct enclave *enclave = first();
    while (enclave != NULL && (enclave->inode != status.st_ino || enclave->device != status.st_dev))
        enclave = enclave->next;
    if (enclave == NULL)
        enclave = recognise(fd, &status);
    if (enclave != NULL && enclave->file == NULL) {
        long file = map_header(fd);
        if (is_error(file))
            return NULL;
        enclave->file = (struct enclave_header *)file;
    }
    if (enclave != NULL && !enclave->created && enclave->file->created)
        enclave_learn(enclave, fd);
    return enclave;
}

int enclave_learn(struct enclave *enclave, int fd)
{
    struct stat status;
    struct enclave_layout layout;
    struct secs secs = enclave->file->secs;
    if (is_error(call(__NR_fstat, fd, &status)) ||
        !enclave_file_layout(&layout, &secs, (uint64_t)status.st_size))
        return -EINVAL;
    long tables = own_map(layout.memory, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (is_error(tables))
        return (int)tables;
    long mappings = own_memory(page_up(layout.size / PAGE_SIZE));
    if (is_error(mappings)) {
        call(__NR_munmap, tables, layout.memory);
        return (int)mappings;
    }
    enclave->layout = layout;
    enclave->base = layout.base;
    enclave->size = layout.size;
    enclave->pages = (struct page *)(tables + (long)ENCLAVE_HEADER_SIZE);
    enclave->chunks = (uint16_t *)(tables + (long)layout.chunks);
    enclave->mappings = (uint8_t *)mappings;
    enclave->created = 1;
    return 0;
}

void enclave_sleep(struct enclave *enclave)
{
    enclave->created = enclave->initialized = 0;
    call(__NR_munmap, enclave->memory, enclave->size);
    call(__NR_munmap, enclave->mappings, page_up(enclave->size / PAGE_SIZE));
    call(__NR_munmap, (uint64_t)enclave->pages - ENCLAVE_HEADER_SIZE, enclave->layout.memory);
    call(__NR_munmap, enclave->file, ENCLAVE_HEADER_SIZE);
    enclave->memory = NULL;
    enclave->mappings = NULL;
    enclave->pages = NULL;
    enclave->chunks = NULL;
    enclave->file = NULL;
    enclave->mapped_count = 0;
}

/* Whether one of the first 1024 descriptors is this enclave's. */
static int is_open(const struct enclave *enclave)
{
    struct stat status;
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        if (!is_error(call(__NR_fstat, fd, &status)) && status.st_ino == enclave->inode &&
            status.st_dev == enclave->device)
            return 1;
    return 0;
}

uint64_t enclave_pages(int look)
{
    uint64_t pages = 0;
    for (struct enclave *enclave = first(); enclave != NULL; enclave = enclave->next) {
        if (enclave->memory == NULL)
            continue;
        if (look && enclave->mapped_count == 0 && !is_open(enclave))
            enclave_sleep(enclave);
        else
            pages += enclave->file->page_count;
    }
    return pages;
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
    while (from < count) {
        if (enclave->chunks[from / CHUNK_PAGES] == 0)
            from = (from / CHUNK_PAGES + 1) * CHUNK_PAGES;
        else if (!enclave->pages[from].valid)
            from++;
        else
            return from;
    }
    return count;
}

void page_put(struct enclave *enclave, uint64_t index, struct page page)
{
    struct page *place = &enclave->pages[index];
    int change = page.valid - place->valid;
    enclave->chunks[index / CHUNK_PAGES] =
        (uint16_t)(enclave->chunks[index / CHUNK_PAGES] + change);
    enclave->file->page_count += (uint64_t)(int64_t)change;
    *place = page;
}

struct page *page_of(const struct enclave *enclave, uint64_t index)
{
    static struct page absent;
    return enclave->chunks[index / CHUNK_PAGES] == 0 ? &absent : &enclave->pages[index];
}

int enclave_runs(struct enclave *enclave)
{
    if (!enclave->initialized && enclave->created && enclave->file->initialized)
        enclave->initialized = 1;
    return enclave->initialized && enclave->memory != NULL;
}

/* TCS pages are the processor's alone. */
int effective_permissions(const struct enclave *enclave, uint64_t index)
{
    const struct page *page = page_of(enclave, index);
    uint8_t mapping = enclave->mappings[index];
    if (mapping == 0 || !page->valid || page->type != PAGE_REG ||
        (page->state & (PAGE_PENDING | PAGE_MODIFIED)) != 0)
        return 0;
    return mapping & page->permissions & PERMISSIONS;
}

/* Pages that are not there have no access and never had. */
void apply_permissions(struct enclave *enclave, uint64_t from, uint64_t to)
{
    for (uint64_t i = next_page(enclave, from); i < to;) {
        int permissions = effective_permissions(enclave, i);
        int mapped = enclave->mappings[i] != 0;
        uint64_t end = i + 1;
        while (end < to && page_of(enclave, end)->valid &&
               effective_permissions(enclave, end) == permissions &&
               (enclave->mappings[end] != 0) == mapped)
            end++;
        if (mapped)
            fidelity_protect(enclave->base + i * PAGE_SIZE, (end - i) * PAGE_SIZE, permissions,
                             enclave->layout.xfrm);
        i = next_page(enclave, end);
    }
}

void permissions_shrank(struct enclave *enclave)
{
    uint32_t now = __atomic_add_fetch(&enclave->file->generation, 1, __ATOMIC_SEQ_CST);
    if (enclave->generation + 1 == now)
        enclave->generation = now; /* this process sees to its own at once */
}

void permissions_refresh(struct enclave *enclave)
{
    uint32_t now = __atomic_load_n(&enclave->file->generation, __ATOMIC_SEQ_CST);
    if (enclave->generation == now)
        return;
    enclave->generation = now;
    uint64_t count = enclave->size / PAGE_SIZE;
    for (uint64_t i = 0, end; i < count; i = end) { /* pages may have gone: first nothing */
        for (end = i + 1;
             end < count && (enclave->mappings[end] != 0) == (enclave->mappings[i] != 0);)
            end++;
        if (enclave->mappings[i] != 0)
            call(__NR_mprotect, enclave->base + i * PAGE_SIZE, (end - i) * PAGE_SIZE, PROT_NONE);
    }
    apply_permissions(enclave, 0, count);
}

int enclave_tables_take(const struct enclave *enclave, uint64_t first, uint64_t count)
{
    return epc_take(&enclave->pages[first], count * sizeof(struct page));
}

int page_augment(struct enclave *enclave, uint64_t index)
{
    static const struct page augmented = {.valid = 1,
                                          .permissions = 3,
                                          .type = PAGE_REG,
                                          .state = PAGE_PENDING,
                                          .max_permissions = PERMISSIONS};
    if (!epc_has_room(1) || enclave_tables_take(enclave, index, 1) != 0 ||
        epc_take(enclave->memory + index * PAGE_SIZE, PAGE_SIZE) != 0)
        return -ENOMEM;
    memset(enclave->memory + index * PAGE_SIZE, 0, PAGE_SIZE);
    page_put(enclave, index, augmented);
    return 0;
}
