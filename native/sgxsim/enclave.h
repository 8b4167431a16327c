// SPDX-License-Identifier: Apache-2.0
/*
 * Enclaves as this process sees them. What they are lies in the memfd that the device's descriptor
 * is (enclave_file.h); page n of the enclave is at a fixed place of it, whatever offset the host
 * maps it at.
 */
#ifndef SGXSIM_ENCLAVE_H
#define SGXSIM_ENCLAVE_H

#include "base.h"
#include "enclave_file.h"

#define PAGE_MAPPED 0x80

#define EARLY_MAPPINGS 16

struct enclave {
    struct enclave *next;
    uint64_t device, inode;      /* of the memfd: what the enclave's descriptors have in common */
    struct enclave_header *file; /* NULL while the object sleeps */
    /* From here to `mappings`: of a created enclave, copied when this process learnt of it. */
    uint8_t created;
    uint8_t initialized; /* this process has seen it initialised */
    uint64_t base, size;
    struct enclave_layout layout;
    struct page *pages; /* size / PAGE_SIZE */
    uint16_t *chunks;   /* how many pages there are in each chunk */
    uint8_t *memory; /* all of it, writable, for the emulator only; NULL while nothing is mapped */
    uint8_t *mappings; /* this process's, one a page: 0, or PAGE_MAPPED | what the host asked for */
    uint64_t mapped_count; /* of `mappings`, how many are not 0 */
    uint32_t generation;   /* of the file, that the native protections correspond to */
    uint64_t stubs[2];     /* below and above the enclave, or 0: exit_stubs.c */
    uint64_t *exit_table;  /* by GS base's page, which thread is inside */
    /* mmap of the descriptor before ECREATE, as the driver allows it. */
    unsigned early_count;
    struct {
        uint64_t start, size;
        int protection;
    } early[EARLY_MAPPINGS];
};

/* Makes the object for a new descriptor, which is an empty memfd that can be sealed. NULL without
 * memory. */
struct enclave *enclave_new(int fd, enum enclave_kind kind);
/* The object of a descriptor; one that another process has opened is recognised here. */
struct enclave *enclave_by_fd(int fd);
/* The created enclave whose range contains `address`. */
struct enclave *enclave_at(uint64_t address);
/* The first created enclave whose range meets [start, start + size). */
struct enclave *enclave_meeting(uint64_t start, uint64_t size);

/* Takes over the layout of an enclave that has been created, by this process or another. 0, or
 * -errno. */
int enclave_learn(struct enclave *enclave, int fd);

/* Gives up all of this process's views of the enclave's file: a mapping of it would keep its
 * memory. A descriptor that is still open brings them back. */
void enclave_sleep(struct enclave *enclave);

/* How many pages the enclaves have whose memory this process has. With `look` those do not count
 * that are mapped nowhere here and whose descriptors are closed, which no call tells of. */
uint64_t enclave_pages(int look);

/* The next page there is, at `from` or behind it; the enclave's number of pages when there is none.
 */
uint64_t next_page(const struct enclave *enclave, uint64_t from);
#define PAGES_BETWEEN(enclave, index, first, last)                                                 \
    for (uint64_t index = next_page(enclave, first); index < (last);                               \
         index = next_page(enclave, index + 1))
#define PAGES_OF(enclave, index) PAGES_BETWEEN(enclave, index, 0, (enclave)->size / PAGE_SIZE)

/* Takes the tables' memory for pages [first, first + count), see epc_take. */
int enclave_tables_take(const struct enclave *enclave, uint64_t first, uint64_t count);

/* Puts a page in, or takes it out (`page.valid` 0). Its memory is the caller's to fill or clear. */
void page_put(struct enclave *enclave, uint64_t index, struct page page);

static inline uint64_t index_of(const struct enclave *enclave, uint64_t address)
{
    return (address - enclave->base) / PAGE_SIZE;
}
/* What the tables say of a page. Of a chunk without pages they are not read: that would fill a hole
 * of the file, in an EPC pool at its cost. What such a page gives is not to be written to. */
struct page *page_of(const struct enclave *enclave, uint64_t index);
static inline struct page *page_at(const struct enclave *enclave, uint64_t address)
{
    return page_of(enclave, index_of(enclave, address));
}
static inline int contains_range(const struct enclave *enclave, uint64_t address, uint64_t size)
{
    return address >= enclave->base && size <= enclave->size &&
           address - enclave->base <= enclave->size - size;
}
static inline uint8_t *memory_at(const struct enclave *enclave, uint64_t address)
{
    return enclave->memory + (address - enclave->base);
}

/* Whether its code could be entered here: initialised, and this process has its memory. */
int enclave_runs(struct enclave *enclave);

/* What an access by the enclave's code may do: both the host's mapping and the EPCM allow it. */
int effective_permissions(const struct enclave *enclave, uint64_t index);

/* Sets the native protection of mapped pages first to last-1 to that. */
void apply_permissions(struct enclave *enclave, uint64_t first, uint64_t last);

/* Permissions were taken away: other processes must look again before they enter. */
void permissions_shrank(struct enclave *enclave);
/* Does what other processes' permissions_shrank asks for. */
void permissions_refresh(struct enclave *enclave);

/* EAUG: a fresh pending page. 0, or -ENOMEM when the EPC is full. */
int page_augment(struct enclave *enclave, uint64_t index);

#endif
