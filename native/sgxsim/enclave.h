// SPDX-License-Identifier: Apache-2.0
/*
 * Enclaves: the SECS, the page table (EPCM) and the memory, a memfd that the device's descriptor
 * is. Page n of the enclave is page n of the memfd, whatever offset the host maps it at.
 */
#ifndef SGXSIM_ENCLAVE_H
#define SGXSIM_ENCLAVE_H

#include "base.h"
#include "crypto/keys.h"
#include "crypto/measure.h"

/* Permissions, the same bits as SECINFO's and mmap's: read 1, write 2, execute 4. */
#define PERMISSIONS 7
#define PAGE_SECS 0
#define PAGE_TCS 1
#define PAGE_REG 2
#define PAGE_TRIM 4
#define PAGE_PENDING 0x08
#define PAGE_MODIFIED 0x10
#define PAGE_RESTRICTED 0x20 /* SECINFO's PR */
#define PAGE_MAPPED 0x80

/* One page's EPCM entry and what the driver knows of it. Lies in memory shared with forked
 * children, as the EPC is. */
struct page {
    uint8_t valid;
    uint8_t permissions;     /* EPCM.R, W, X */
    uint8_t type;            /* PAGE_... */
    uint8_t state;           /* PAGE_PENDING | PAGE_MODIFIED | PAGE_RESTRICTED */
    uint8_t max_permissions; /* mappings may ask for no more (the driver's vm_max_prot_bits) */
    uint8_t busy;            /* a TCS in use */
    uint8_t reserved[2];
};

struct secs {
    uint64_t size;                    /* @0 */
    uint64_t base;                    /* @8 */
    uint32_t ssa_frame_size;          /* @16 pages */
    uint32_t miscselect;              /* @20 */
    uint8_t reserved1[24];            /* @24 */
    struct sgx_attributes attributes; /* @48 */
    uint8_t mrenclave[SHA256_SIZE];   /* @64 */
    uint8_t reserved2[32];            /* @96 */
    uint8_t mrsigner[SHA256_SIZE];    /* @128 */
    uint8_t reserved3[32];            /* @160 */
    uint8_t configid[64];             /* @192 */
    uint16_t isvprodid;               /* @256 */
    uint16_t isvsvn;                  /* @258 */
    uint16_t configsvn;               /* @260 */
    uint8_t reserved4[3834];          /* @262 */
};
_Static_assert(sizeof(struct secs) == PAGE_SIZE, "SECS");
_Static_assert(offsetof(struct secs, isvprodid) == 256, "ISVPRODID");

struct tcs {
    uint64_t reserved1;      /* @0 */
    uint64_t flags;          /* @8 DBGOPTIN 1 */
    uint64_t ossa;           /* @16 */
    uint32_t cssa;           /* @24 */
    uint32_t nssa;           /* @28 */
    uint64_t oentry;         /* @32 */
    uint64_t reserved2;      /* @40 */
    uint64_t ofsbase;        /* @48 */
    uint64_t ogsbase;        /* @56 */
    uint32_t fslimit;        /* @64 */
    uint32_t gslimit;        /* @68 */
    uint8_t reserved3[4024]; /* @72 */
};
_Static_assert(sizeof(struct tcs) == PAGE_SIZE, "TCS");

#define EARLY_MAPPINGS 16

struct enclave {
    struct enclave *next;
    uint64_t device, inode; /* of the memfd: what the enclave's descriptors have in common */
    uint64_t base, size;
    uint8_t *memory; /* all of it, writable, for the emulator only; NULL while nothing is mapped */
    struct page *pages; /* size / PAGE_SIZE */
    uint8_t *mappings; /* this process's, one a page: 0, or PAGE_MAPPED | what the host asked for */
    uint64_t mapped_count; /* of `mappings`, how many are not 0 */
    struct sha256 measurement;
    struct secs secs;
    struct enclave_identity identity; /* after EINIT */
    uint8_t created, initialized, may_provision, is_provision_node;
    uint64_t stubs[2];    /* below and above the enclave, or 0: exit_stubs.c */
    uint64_t *exit_table; /* by GS base's page, which thread is inside */
    /* mmap of the descriptor before ECREATE, as the driver allows it. */
    unsigned early_count;
    struct {
        uint64_t start, size;
        int protection;
    } early[EARLY_MAPPINGS];
};

/* The next page there is, at `from` or behind it; the enclave's number of pages when there is none.
 */
uint64_t next_page(const struct enclave *enclave, uint64_t from);
#define PAGES_OF(enclave, index)                                                                   \
    for (uint64_t index = next_page(enclave, 0); index < (enclave)->size / PAGE_SIZE;              \
         index = next_page(enclave, index + 1))

/* Makes the object for a new descriptor. NULL without memory. */
struct enclave *enclave_new(int fd);
struct enclave *enclave_by_fd(int fd);
/* The created enclave whose range contains `address`. */
struct enclave *enclave_at(uint64_t address);
/* The first created enclave whose range meets [start, start + size). */
struct enclave *enclave_meeting(uint64_t start, uint64_t size);

static inline uint64_t index_of(const struct enclave *enclave, uint64_t address)
{
    return (address - enclave->base) / PAGE_SIZE;
}
struct page *page_at(const struct enclave *enclave, uint64_t address);
static inline int contains_range(const struct enclave *enclave, uint64_t address, uint64_t size)
{
    return address >= enclave->base && size <= enclave->size &&
           address - enclave->base <= enclave->size - size;
}
static inline uint8_t *memory_at(const struct enclave *enclave, uint64_t address)
{
    return enclave->memory + (address - enclave->base);
}

/* What an access by the enclave's code may do: both the host's mapping and the EPCM allow it. */
int effective_permissions(const struct enclave *enclave, uint64_t index);

/* Sets the native protection of mapped pages first to last-1 to that. */
void apply_permissions(struct enclave *enclave, uint64_t first, uint64_t last);

/* EAUG: a fresh pending page. */
void page_augment(struct enclave *enclave, uint64_t index);

#endif
