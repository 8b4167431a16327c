// SPDX-License-Identifier: Apache-2.0
#include "structures.h"
#include "crypto/bytes.h"

#define PAGE_BITS (SGX_PAGE_BYTES - 1)
#define SMALLEST_ENCLAVE (2 * SGX_PAGE_BYTES)
#define GPR_AREA_SIZE 184
#define MISC_AREA_SIZE 16 /* EXINFO */
#define XFRM_LEGACY 3
#define SECINFO_KNOWN (SECINFO_TYPE_MASK | SECINFO_STATE_MASK | (uint64_t)PERMISSIONS)

int secs_ok(const struct secs *secs, const struct secs_limits *limits)
{
    uint64_t flags = secs->attributes.flags, xfrm = secs->attributes.xfrm;
    uint64_t frame = (uint64_t)secs->ssa_frame_size * SGX_PAGE_BYTES;
    uint64_t need =
        (uint64_t)limits->xsave_size + GPR_AREA_SIZE + (secs->miscselect != 0 ? MISC_AREA_SIZE : 0);
    int size_ok = secs->size >= SMALLEST_ENCLAVE && (secs->size & (secs->size - 1)) == 0 &&
                  secs->size <= 1UL << LARGEST_ENCLAVE_BITS;
    return size_ok && (secs->base & (secs->size - 1)) == 0 && secs->base < 1UL << 47 &&
           (flags & SGX_ATTRIBUTE_MODE64BIT) != 0 && (flags & ~limits->attributes) == 0 &&
           (xfrm & XFRM_LEGACY) == XFRM_LEGACY && (xfrm & ~limits->xfrm) == 0 &&
           (secs->miscselect & ~limits->miscselect) == 0 && frame >= need &&
           zero_bytes(secs->reserved1, sizeof secs->reserved1) &&
           zero_bytes(secs->reserved2, sizeof secs->reserved2) &&
           zero_bytes(secs->reserved3, sizeof secs->reserved3) &&
           zero_bytes(secs->reserved4, sizeof secs->reserved4);
}

int secinfo_ok(const struct secinfo *secinfo)
{
    uint64_t flags = secinfo->flags, permissions = flags & PERMISSIONS;
    uint8_t type = SECINFO_TYPE(flags);
    if (type != PAGE_REG && type != PAGE_TCS)
        return 0;
    if ((permissions & 2) != 0 && (permissions & 1) == 0)
        return 0;
    if (type == PAGE_TCS && permissions != 0)
        return 0;
    return (flags & ~(SECINFO_TYPE_MASK | (uint64_t)PERMISSIONS)) == 0 &&
           zero_bytes(secinfo->reserved, sizeof secinfo->reserved);
}

int secinfo_well_formed(const struct secinfo *secinfo)
{
    return (secinfo->flags & ~SECINFO_KNOWN) == 0 &&
           zero_bytes(secinfo->reserved, sizeof secinfo->reserved);
}

int tcs_ok(const struct tcs *tcs)
{
    return tcs->reserved1 == 0 && (tcs->flags & ~TCS_DBGOPTIN) == 0 &&
           (tcs->ossa & PAGE_BITS) == 0 && tcs->cssa == 0 && tcs->reserved2 == 0 &&
           (tcs->ofsbase & PAGE_BITS) == 0 && (tcs->ogsbase & PAGE_BITS) == 0 &&
           (tcs->fslimit & PAGE_BITS) == PAGE_BITS && (tcs->gslimit & PAGE_BITS) == PAGE_BITS &&
           zero_bytes(tcs->reserved3, sizeof tcs->reserved3);
}

int tcs_acceptable(const struct tcs *tcs)
{
    return tcs->reserved1 == 0 && tcs->flags == 0 && tcs->reserved2 == 0 && tcs->cssa < tcs->nssa &&
           (tcs->ossa & PAGE_BITS) == 0 && (tcs->ofsbase & PAGE_BITS) == 0 &&
           (tcs->ogsbase & PAGE_BITS) == 0 && zero_bytes(tcs->reserved3, sizeof tcs->reserved3);
}

int range_ok(uint64_t size, uint64_t offset, uint64_t length)
{
    return ((offset | length) & PAGE_BITS) == 0 && length != 0 && offset < size &&
           length <= size - offset;
}
