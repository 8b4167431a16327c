// SPDX-License-Identifier: Apache-2.0
/*
 * How an image becomes an enclave; the loader's side of src/sgx/skeleton-layout.ts. From low to
 * high: the TCS, the rest of the image, one SSA frame, zero pages up to the metadata's mmap size.
 */
#ifndef SKELETON_LAYOUT_H
#define SKELETON_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "image.h"

/* Pages in a row that are added and mapped alike. */
struct segment {
    const uint8_t *data; /* NULL: zero pages */
    uint64_t offset;     /* from the image's start */
    uint64_t size;
    uint64_t secinfo_flags; /* as signed */
    int prot;               /* as mapped: never more than the page needs, where that is known */
};
#define MOST_SEGMENTS 8

struct layout {
    uint64_t image_offset; /* from the enclave's base to the TCS */
    uint64_t mapped_size;
    uint64_t enclave_size; /* SECS.SIZE */
    uint32_t ssa_frame_pages;
    uint32_t miscselect;
    uint64_t attributes;
    uint64_t xfrm;
    int segment_count;
    struct segment segments[MOST_SEGMENTS];
};

/*
 * Lays out an image as its SIGSTRUCT was signed, and patches OSSA and OENTRY in the image's TCS.
 * To be called once for an image. 0 or -EINVAL, logged.
 */
int layout_make(struct image *image, const uint8_t sigstruct[SGX_SIGSTRUCT_SIZE], bool debug,
                struct layout *layout);

/* SSAFRAMESIZE: XSAVE area, MISC region and registers, in pages, as this processor counts. */
uint32_t layout_ssa_frame_pages(uint64_t xfrm, uint32_t miscselect);

#endif
