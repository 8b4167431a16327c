// SPDX-License-Identifier: Apache-2.0
/*
 * encl.bin and encl.ss: reading and checking what the container's file system offers. Formats:
 * docs/explanation/skeleton.md.
 */
#ifndef SKELETON_IMAGE_H
#define SKELETON_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sgx_abi.h"

/* Which pages are code and which data: byte offsets into the image, page-aligned. */
struct page_note {
    bool present;
    uint64_t code_start, code_end, data_start, data_end;
};

struct image {
    uint8_t *pages; /* page-aligned, anonymous memory; the file, zero-padded */
    uint64_t size;  /* whole pages */
    uint64_t max_mmap_size;
    bool null_deref_protection;
    uint64_t mmap_min_addr;
    struct page_note note;
};

/* Reads and parses an image. 0 or a negated errno number, logged; release with image_free. */
int image_read(const char *path, struct image *image);
void image_free(struct image *image);

/* Takes metadata and page note from image->pages. 0 or -EINVAL, logged. */
int image_parse(struct image *image);

/* Reads exactly the 1808 bytes of a SIGSTRUCT. 0 or a negated errno number, logged. */
int sigstruct_read(const char *path, uint8_t sigstruct[SGX_SIGSTRUCT_SIZE]);

#endif
