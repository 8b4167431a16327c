// SPDX-License-Identifier: Apache-2.0
/* EACCEPT, EMODPE and EACCEPTCOPY (SDM vol. 3D). The lock of enclaves is held. */
#include "build.h"
#include "enclu.h"
#include "enclave.h"
#include "exit_stubs.h"

#define SGX_PAGE_ATTRIBUTES_MISMATCH 19
#define ERROR_EPCM_WRITE 0x8007u
#define ERROR_ABSENT 0x4u

static struct leaf_result done_with(uint32_t error)
{
    return (struct leaf_result){.end = LEAF_DONE, .sets_rax = 1, .rax = error};
}

static int operands_ok(const struct enclave *enclave, uint64_t secinfo, uint64_t page)
{
    return (secinfo & (SGX_SECINFO_SIZE - 1)) == 0 && (page & PAGE_MASK) == 0 &&
           contains_range(enclave, secinfo, SGX_SECINFO_SIZE) &&
           contains_range(enclave, page, PAGE_SIZE);
}

static uint64_t flags_at(const struct enclave *enclave, uint64_t secinfo)
{
    uint64_t flags;
    memcpy(&flags, memory_at(enclave, secinfo), sizeof flags);
    return flags;
}

/* Touching an absent page of the enclave makes the driver add it; 0 when nothing is mapped there.
 */
static int make_present(struct enclave *enclave, uint64_t index)
{
    if (enclave->pages[index].valid)
        return 1;
    if ((enclave->mappings[index] & 3) == 0)
        return 0;
    page_augment(enclave, index);
    return 1;
}

struct leaf_result leaf_accept(struct enclave *enclave, uint64_t secinfo, uint64_t address)
{
    if (!operands_ok(enclave, secinfo, address))
        return (struct leaf_result){.end = LEAF_GP};
    uint64_t index = index_of(enclave, address);
    if (!make_present(enclave, index))
        return (struct leaf_result){.end = LEAF_PF, .address = address, .error = ERROR_ABSENT};
    struct page *page = &enclave->pages[index];
    uint64_t have = page->permissions | page->state | (uint64_t)page->type << 8;
    if (flags_at(enclave, secinfo) != have)
        return done_with(SGX_PAGE_ATTRIBUTES_MISMATCH);
    page->state = 0;
    if (page->type == PAGE_TCS)
        exit_stubs_new_tcs(enclave, index);
    apply_permissions(enclave, index, index + 1);
    return done_with(0);
}

struct leaf_result leaf_extend_permissions(struct enclave *enclave, uint64_t secinfo,
                                           uint64_t address)
{
    if (!operands_ok(enclave, secinfo, address))
        return (struct leaf_result){.end = LEAF_GP};
    uint64_t index = index_of(enclave, address);
    struct page *page = &enclave->pages[index];
    if (!page->valid || page->type != PAGE_REG ||
        (page->state & (PAGE_PENDING | PAGE_MODIFIED)) != 0)
        return (struct leaf_result){.end = LEAF_PF, .address = address, .error = ERROR_EPCM_WRITE};
    page->permissions |= flags_at(enclave, secinfo) & PERMISSIONS;
    apply_permissions(enclave, index, index + 1);
    return (struct leaf_result){.end = LEAF_DONE};
}

struct leaf_result leaf_accept_copy(struct enclave *enclave, uint64_t secinfo, uint64_t address,
                                    uint64_t source)
{
    if (!operands_ok(enclave, secinfo, address) || (source & PAGE_MASK) != 0 ||
        !contains_range(enclave, source, PAGE_SIZE))
        return (struct leaf_result){.end = LEAF_GP};
    uint64_t index = index_of(enclave, address);
    if (!make_present(enclave, index))
        return (struct leaf_result){.end = LEAF_PF, .address = address, .error = ERROR_ABSENT};
    struct page *page = &enclave->pages[index];
    if (page->state != PAGE_PENDING || page->type != PAGE_REG)
        return done_with(SGX_PAGE_ATTRIBUTES_MISMATCH);
    memcpy(memory_at(enclave, address), memory_at(enclave, source), PAGE_SIZE);
    page->permissions = flags_at(enclave, secinfo) & PERMISSIONS;
    page->state = 0;
    apply_permissions(enclave, index, index + 1);
    return done_with(0);
}
