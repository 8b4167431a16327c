// SPDX-License-Identifier: Apache-2.0
#include "enclave_file.h"

#define LARGEST_FRAME 0x10000 /* pages; beyond what any XSAVE area needs */

static uint64_t whole_pages(uint64_t size)
{
    return (size + SGX_PAGE_BYTES - 1) & ~(SGX_PAGE_BYTES - 1);
}

void enclave_file_sizes(struct enclave_layout *layout, uint64_t size)
{
    uint64_t pages = size / SGX_PAGE_BYTES;
    uint64_t chunks = (pages + CHUNK_PAGES - 1) / CHUNK_PAGES;
    layout->size = size;
    layout->chunks = ENCLAVE_HEADER_SIZE + whole_pages(pages * sizeof(struct page));
    layout->memory = layout->chunks + whole_pages(chunks * sizeof(uint16_t));
    layout->end = layout->memory + size;
}

int enclave_file_layout(struct enclave_layout *layout, const struct secs *secs, uint64_t file_size)
{
    uint64_t size = secs->size, base = secs->base;
    if (size < 2 * SGX_PAGE_BYTES || (size & (size - 1)) != 0 ||
        size > 1UL << LARGEST_ENCLAVE_BITS || (base & (size - 1)) != 0 || base >= 1UL << 47 ||
        secs->ssa_frame_size == 0 || secs->ssa_frame_size > LARGEST_FRAME)
        return 0;
    enclave_file_sizes(layout, size);
    layout->base = base;
    layout->xfrm = secs->attributes.xfrm;
    layout->ssa_frame_size = secs->ssa_frame_size;
    layout->miscselect = secs->miscselect;
    return layout->end <= file_size;
}
