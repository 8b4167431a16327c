// SPDX-License-Identifier: Apache-2.0
/* EACCEPT, EMODPE and EACCEPTCOPY, with the checks of their pseudocode in its order (SDM vol. 3D).
 * The lock of enclaves is held. */
#include "build.h"
#include "enclu.h"
#include "enclave.h"
#include "exit_stubs.h"

#define SGX_PAGE_ATTRIBUTES_MISMATCH 19
#define ERROR_EPCM 0x8005u /* present, user, SGX */
#define ERROR_EPCM_WRITE 0x8007u
#define ERROR_ABSENT 0x4u
#define STATE_OPEN (PAGE_PENDING | PAGE_MODIFIED)

static const struct leaf_result general_protection = {.end = LEAF_GP}, done = {.end = LEAF_DONE};

static struct leaf_result done_with(uint32_t error)
{
    return (struct leaf_result){.end = LEAF_DONE, .sets_rax = 1, .rax = error};
}

static struct leaf_result page_fault(uint64_t address, uint32_t error)
{
    return (struct leaf_result){.end = LEAF_PF, .address = address, .error = error};
}

static int aligned_inside(const struct enclave *enclave, uint64_t address, uint64_t size)
{
    return (address & (size - 1)) == 0 && contains_range(enclave, address, size);
}

/* Touching an absent page of the enclave makes the driver add it; 0 when nothing is mapped there,
 * or no page is to be had. */
static int make_present(struct enclave *enclave, uint64_t index)
{
    if ((enclave->mappings[index] & 3) == 0)
        return 0;
    return page_of(enclave, index)->valid || page_augment(enclave, index) == 0;
}

/* A page the leaf reads: present, of type REG, readable, with nothing open. */
static struct leaf_result check_source(struct enclave *enclave, uint64_t address)
{
    uint64_t page_address = page_down(address), index = index_of(enclave, address);
    if (!make_present(enclave, index))
        return page_fault(page_address, ERROR_ABSENT);
    const struct page *page = page_of(enclave, index);
    if (page->type != PAGE_REG || (page->permissions & 1) == 0 || (page->state & STATE_OPEN) != 0)
        return page_fault(page_address, ERROR_EPCM);
    return done;
}

static struct leaf_result read_secinfo(struct enclave *enclave, uint64_t address,
                                       struct secinfo *secinfo)
{
    struct leaf_result result = check_source(enclave, address);
    if (result.end != LEAF_DONE)
        return result;
    memcpy(secinfo, memory_at(enclave, address), sizeof *secinfo);
    return secinfo_well_formed(secinfo) ? done : general_protection;
}

/* What can be accepted: a regular page that was restricted or added, a TCS or a trimmed page that
 * was modified. */
static int acceptable(uint64_t flags)
{
    uint64_t state = flags & SECINFO_STATE_MASK;
    switch (SECINFO_TYPE(flags)) {
    case PAGE_REG:
        return (state & PAGE_MODIFIED) == 0 && state != 0;
    case PAGE_TCS:
    case PAGE_TRIM:
        return state == PAGE_MODIFIED;
    default:
        return 0;
    }
}

/* SECINFO.PR is no part of the comparison: EPCM.PR says only that EMODPR has been. */
static int matches(const struct page *page, uint64_t flags)
{
    return (page->state & STATE_OPEN) == (flags & STATE_OPEN) &&
           page->permissions == (flags & PERMISSIONS) && page->type == SECINFO_TYPE(flags);
}

struct leaf_result leaf_accept(struct enclave *enclave, uint64_t secinfo_at, uint64_t address)
{
    struct secinfo secinfo;
    if (!aligned_inside(enclave, secinfo_at, sizeof secinfo))
        return general_protection;
    struct leaf_result result = read_secinfo(enclave, secinfo_at, &secinfo);
    if (result.end != LEAF_DONE)
        return result;
    if (!aligned_inside(enclave, address, PAGE_SIZE) || !acceptable(secinfo.flags))
        return general_protection;
    uint64_t index = index_of(enclave, address);
    if (!make_present(enclave, index))
        return page_fault(address, ERROR_ABSENT);
    struct page *page = page_of(enclave, index);
    if (!matches(page, secinfo.flags))
        return done_with(SGX_PAGE_ATTRIBUTES_MISMATCH);
    if (page->type == PAGE_TCS && !tcs_acceptable((const struct tcs *)memory_at(enclave, address)))
        return general_protection;
    page->state = 0;
    if (page->type == PAGE_TCS)
        exit_stubs_new_tcs(enclave, index);
    apply_permissions(enclave, index, index + 1);
    return done_with(0);
}

struct leaf_result leaf_extend_permissions(struct enclave *enclave, uint64_t secinfo_at,
                                           uint64_t address)
{
    struct secinfo secinfo;
    if (!aligned_inside(enclave, secinfo_at, sizeof secinfo) ||
        !aligned_inside(enclave, address, PAGE_SIZE))
        return general_protection;
    struct leaf_result result = read_secinfo(enclave, secinfo_at, &secinfo);
    if (result.end != LEAF_DONE)
        return result;
    uint64_t index = index_of(enclave, address);
    if (!make_present(enclave, index))
        return page_fault(address, ERROR_ABSENT);
    struct page *page = page_of(enclave, index);
    if (page->type != PAGE_REG || (page->state & STATE_OPEN) != 0)
        return page_fault(address, ERROR_EPCM_WRITE);
    uint8_t wanted = secinfo.flags & PERMISSIONS;
    if (((page->permissions | wanted) & 1) == 0 && (wanted & 2) != 0)
        return general_protection;
    page->permissions |= wanted;
    apply_permissions(enclave, index, index + 1);
    return done;
}

struct leaf_result leaf_accept_copy(struct enclave *enclave, uint64_t secinfo_at, uint64_t address,
                                    uint64_t source)
{
    struct secinfo secinfo;
    if (!aligned_inside(enclave, secinfo_at, sizeof secinfo) ||
        !aligned_inside(enclave, address, PAGE_SIZE) || !aligned_inside(enclave, source, PAGE_SIZE))
        return general_protection;
    struct leaf_result result = read_secinfo(enclave, secinfo_at, &secinfo);
    if (result.end != LEAF_DONE)
        return result;
    uint8_t permissions = secinfo.flags & PERMISSIONS;
    if (SECINFO_TYPE(secinfo.flags) != PAGE_REG ||
        ((permissions & 2) != 0 && (permissions & 1) == 0))
        return general_protection;
    result = check_source(enclave, source);
    if (result.end != LEAF_DONE)
        return result;
    uint64_t index = index_of(enclave, address);
    if (!make_present(enclave, index))
        return page_fault(address, ERROR_ABSENT);
    struct page *page = page_of(enclave, index);
    if ((page->state & STATE_OPEN) != PAGE_PENDING || page->type != PAGE_REG)
        return done_with(SGX_PAGE_ATTRIBUTES_MISMATCH);
    memcpy(memory_at(enclave, address), memory_at(enclave, source), PAGE_SIZE);
    page->permissions = permissions;
    page->state = 0;
    apply_permissions(enclave, index, index + 1);
    return done_with(0);
}
