// SPDX-License-Identifier: Apache-2.0
/*
 * The memfd that an opened device is. The enclave's tables lie in it before its memory, so every
 * process that has a descriptor, by fork, execve or SCM_RIGHTS, has the same enclave.
 *
 *   0        struct enclave_header
 *   8 KiB    struct page for every page of the enclave's range (EPCM and driver)
 *   then     for every chunk of 512 pages, how many there are (u16)
 *   then     the memory, page after page
 *
 * Another process may write anything here: nothing is read twice that bounds an access, and what
 * bounds them is copied and checked once (enclave_file_layout). The file cannot shrink
 * (F_SEAL_SHRINK).
 */
#ifndef SGXSIM_ENCLAVE_FILE_H
#define SGXSIM_ENCLAVE_FILE_H

#include "crypto/keys.h"
#include "service_frames.h"
#include "structures.h"

#define ENCLAVE_MAGIC "sgxsim enclave 3"
#define ENCLAVE_HEADER_SIZE 0x2000UL
#define CHUNK_PAGES 512UL

enum enclave_kind { KIND_ENCLAVE = 1, KIND_PROVISION = 2, KIND_LEGACY = 3 };

/* One page's EPCM entry and what the driver knows of it. */
struct page {
    uint8_t valid;
    uint8_t permissions;     /* EPCM.R, W, X */
    uint8_t type;            /* PAGE_... */
    uint8_t state;           /* PAGE_PENDING | PAGE_MODIFIED | PAGE_RESTRICTED */
    uint8_t max_permissions; /* mappings may ask for no more (the driver's vm_max_prot_bits) */
    uint8_t busy;            /* a TCS in use */
    uint8_t reserved[2];
};
_Static_assert(sizeof(struct page) == 8, "a page is one word");

struct enclave_header {
    uint8_t magic[16];
    uint32_t kind; /* enum enclave_kind */
    uint32_t created, initialized, may_provision;
    uint32_t in_ioctl;   /* a process is in an ioctl: others get EBUSY */
    uint32_t generation; /* counts what takes permissions away */
    uint64_t page_count; /* pages there are */
    uint64_t stubs[2];   /* exit_stubs.c: where the enclave's code jumps to, or 0 */
    struct sha256 measurement;
    struct enclave_identity identity; /* after EINIT */
    uint8_t ticket[SERVICE_TICKET];   /* the platform service's, for this identity */
    struct secs secs;
};
_Static_assert(sizeof(struct enclave_header) <= ENCLAVE_HEADER_SIZE, "two pages");

struct enclave_layout {
    uint64_t base, size;
    uint64_t chunks, memory; /* offsets in the file */
    uint64_t end;            /* the file's size */
    uint64_t xfrm;
    uint32_t ssa_frame_size, miscselect;
};

/* Where things are in the file of an enclave with this SECS; 0 when there can be no such enclave or
 * a file of `file_size` bytes is too short for it. */
int enclave_file_layout(struct enclave_layout *layout, const struct secs *secs, uint64_t file_size);

/* The layout of an enclave of `size` bytes, a power of two. */
void enclave_file_sizes(struct enclave_layout *layout, uint64_t size);

#endif
