// SPDX-License-Identifier: Apache-2.0
#include "layout.h"

#include <cpuid.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "output.h"

#define LARGEST_ENCLAVE (UINT64_C(1) << 36)
#define GUARD_AREA (UINT64_C(16) << 20)
#define GPRSGX_SIZE 184
#define EXINFO_SIZE 16

/* SIGSTRUCT.SWDEFINED: which permissions the pages were signed with. */
enum { PAGES_PUBLISHED = 0, PAGES_NOTED = 1 };
#define PUBLISHED_FLAGS (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_X)

static bool check_xfrm(uint64_t xfrm);
static uint32_t possible_miscselect(void);
static int place_segments(const struct image *image, uint32_t swdefined, struct layout *layout);
static void add_segment(const struct image *image, uint32_t swdefined, uint64_t start, uint64_t end,
                        int prot, struct layout *layout);
static uint64_t page_up(uint64_t size);

int layout_make(struct image *image, const uint8_t sigstruct[SGX_SIGSTRUCT_SIZE], bool debug,
                struct layout *layout)
{
    *layout = (struct layout){0};
    uint32_t swdefined;
    memcpy(&swdefined, sigstruct + SIGSTRUCT_SWDEFINED, 4);
    memcpy(&layout->miscselect, sigstruct + SIGSTRUCT_MISCSELECT, 4);
    memcpy(&layout->attributes, sigstruct + SIGSTRUCT_ATTRIBUTES, 8);
    memcpy(&layout->xfrm, sigstruct + SIGSTRUCT_XFRM, 8);
    if (debug)
        layout->attributes |= SGX_ATTR_DEBUG;
    if (!check_xfrm(layout->xfrm))
        return -EINVAL;

    layout->ssa_frame_pages = layout_ssa_frame_pages(layout->xfrm, layout->miscselect);
    /* The frame is as large as the signer measured it; what is saved in it, this machine decides.
     */
    layout->miscselect &= possible_miscselect();
    layout->mapped_size = image->size + (uint64_t)layout->ssa_frame_pages * SGX_PAGE_SIZE;
    if (image->max_mmap_size != 0) {
        if (image->max_mmap_size < layout->mapped_size) {
            output_log(LOG_ERROR, "the image needs %#llx bytes, its metadata allows %#llx",
                       (unsigned long long)layout->mapped_size,
                       (unsigned long long)image->max_mmap_size);
            return -EINVAL;
        }
        layout->mapped_size = page_up(image->max_mmap_size);
    }
    if (image->null_deref_protection)
        layout->image_offset = image->mmap_min_addr != 0 ? image->mmap_min_addr : GUARD_AREA;
    layout->enclave_size = SGX_PAGE_SIZE;
    while (layout->enclave_size < layout->image_offset + layout->mapped_size)
        layout->enclave_size <<= 1;
    if (layout->enclave_size > LARGEST_ENCLAVE) {
        output_log(LOG_ERROR, "the enclave would be larger than 64 GiB");
        return -EINVAL;
    }
    struct sgx_tcs *tcs = (struct sgx_tcs *)image->pages;
    tcs->ossa = layout->image_offset + image->size;
    tcs->oentry += layout->image_offset;
    return place_segments(image, swdefined, layout);
}

uint32_t layout_ssa_frame_pages(uint64_t xfrm, uint32_t miscselect)
{
    uint32_t fixed = GPRSGX_SIZE + (miscselect & SGX_MISC_EXINFO ? EXINFO_SIZE : 0);
    uint32_t largest = 0;
    for (uint32_t feature = 2; feature <= 62; feature++) {
        uint32_t eax, ebx, ecx, edx;
        if (!(xfrm >> feature & 1) || !__get_cpuid_count(0xd, feature, &eax, &ebx, &ecx, &edx))
            continue;
        if (eax + ebx > largest)
            largest = eax + ebx;
    }
    uint32_t bytes = largest + fixed;
    return (bytes + SGX_PAGE_SIZE - 1) / SGX_PAGE_SIZE;
}

/* ECREATE would refuse it too, but could not say why. */
static bool check_xfrm(uint64_t xfrm)
{
    uint32_t eax, ebx, ecx, edx;
    uint64_t possible = SGX_XFRM_LEGACY;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_OSXSAVE)) {
        uint32_t low, high;
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        possible = (uint64_t)high << 32 | low;
    }
    /* Where CPUID is not virtualised, a simulated platform looks like a processor without SGX. */
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & bit_SGX) &&
        __get_cpuid_count(0x12, 1, &eax, &ebx, &ecx, &edx))
        possible &= (uint64_t)edx << 32 | ecx;
    if ((xfrm & ~possible) != 0 || (xfrm & SGX_XFRM_LEGACY) != SGX_XFRM_LEGACY) {
        output_log(LOG_ERROR, "encl.ss wants XFRM %#llx, this machine has %#llx",
                   (unsigned long long)xfrm, (unsigned long long)possible);
        return false;
    }
    return true;
}

/* All bits where CPUID cannot tell; ECREATE can. */
static uint32_t possible_miscselect(void)
{
    uint32_t eax, ebx, ecx, edx;
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & bit_SGX) &&
        __get_cpuid_count(0x12, 0, &eax, &ebx, &ecx, &edx))
        return ebx;
    return UINT32_MAX;
}

static int place_segments(const struct image *image, uint32_t swdefined, struct layout *layout)
{
    const struct page_note *note = &image->note;
    if (swdefined > PAGES_NOTED || (swdefined == PAGES_NOTED && !note->present)) {
        output_log(LOG_ERROR,
                   swdefined > PAGES_NOTED
                       ? "encl.ss names a page layout (SWDEFINED %u) that is unknown"
                       : "encl.ss was signed for an image with a page note (SWDEFINED %u)",
                   swdefined);
        return -EINVAL;
    }
    layout->segments[layout->segment_count++] =
        (struct segment){image->pages, 0, SGX_PAGE_SIZE, SGX_SECINFO_TCS, PROT_READ | PROT_WRITE};
    if (!note->present) {
        int prot = PROT_READ | PROT_WRITE | PROT_EXEC;
        add_segment(image, swdefined, SGX_PAGE_SIZE, image->size, prot, layout);
        add_segment(image, swdefined, image->size, layout->mapped_size, prot, layout);
        return 0;
    }
    int code = PROT_READ | PROT_EXEC, data = PROT_READ | PROT_WRITE;
    add_segment(image, swdefined, SGX_PAGE_SIZE, note->code_start, PROT_READ, layout);
    add_segment(image, swdefined, note->code_start, note->code_end, code, layout);
    add_segment(image, swdefined, note->code_end, note->data_start, PROT_READ, layout);
    add_segment(image, swdefined, note->data_start, note->data_end, data, layout);
    add_segment(image, swdefined, note->data_end, image->size, PROT_READ, layout);
    add_segment(image, swdefined, image->size, layout->mapped_size, data, layout);
    return 0;
}

static void add_segment(const struct image *image, uint32_t swdefined, uint64_t start, uint64_t end,
                        int prot, struct layout *layout)
{
    if (start >= end)
        return;
    uint64_t noted = SGX_SECINFO_REG | (prot & PROT_READ ? SGX_SECINFO_R : 0) |
                     (prot & PROT_WRITE ? SGX_SECINFO_W : 0) |
                     (prot & PROT_EXEC ? SGX_SECINFO_X : 0);
    layout->segments[layout->segment_count++] = (struct segment){
        start < image->size ? image->pages + start : NULL,  start, end - start,
        swdefined == PAGES_NOTED ? noted : PUBLISHED_FLAGS, prot,
    };
}

static uint64_t page_up(uint64_t size)
{
    return (size + SGX_PAGE_SIZE - 1) & ~(uint64_t)(SGX_PAGE_SIZE - 1);
}
