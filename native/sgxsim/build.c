// SPDX-License-Identifier: Apache-2.0
#include "build.h"
#include "crypto/bytes.h"
#include "crypto/sigstruct.h"
#include "exit_stubs.h"
#include "log.h"
#include "maps.h"
#include "platform.h"
#include "user_memory.h"
#include "xstate.h"
#include <asm/sgx.h>
#include <linux/mman.h>

#define SMALLEST_ENCLAVE (2 * PAGE_SIZE)
#define GPR_AREA_SIZE 184
#define MISC_AREA_SIZE 16 /* EXINFO */
#define VENDOR_INTEL 0x8086
#define MEASURE_PAGE 1 /* SGX_PAGE_MEASURE */
#define XFRM_LEGACY 3

/* Attributes an enclave may have without privilege (the driver's SGX_ATTR_UNPRIV_MASK). */
#define UNPRIVILEGED (SGX_ATTRIBUTE_DEBUG | SGX_ATTRIBUTE_MODE64BIT | SGX_ATTRIBUTE_KSS)

/* ECREATE's conditions (SDM vol. 3D); the driver answers EIO for all that the processor refuses. */
static int secs_ok(const struct secs *secs)
{
    uint64_t flags = secs->attributes.flags, xfrm = secs->attributes.xfrm;
    uint64_t frame = (uint64_t)secs->ssa_frame_size * PAGE_SIZE;
    return (secs->base & (secs->size - 1)) == 0 && (flags & SGX_ATTRIBUTE_MODE64BIT) != 0 &&
           (flags & ~SUPPORTED_ATTRIBUTES) == 0 && (xfrm & XFRM_LEGACY) == XFRM_LEGACY &&
           (xfrm & ~xstate_enabled()) == 0 && (secs->miscselect & ~SUPPORTED_MISCSELECT) == 0 &&
           frame >=
               xstate_size(xfrm) + GPR_AREA_SIZE + (secs->miscselect != 0 ? MISC_AREA_SIZE : 0) &&
           zero_bytes(secs->reserved1, sizeof secs->reserved1) &&
           zero_bytes(secs->reserved2, sizeof secs->reserved2) &&
           zero_bytes(secs->reserved3, sizeof secs->reserved3) &&
           zero_bytes(secs->reserved4, sizeof secs->reserved4);
}

/* The table of pages is shared with forked children, as the processor's is; mappings are not. */
static long allocate_tables(struct enclave *enclave)
{
    uint64_t count = enclave->size / PAGE_SIZE;
    long pages = call(__NR_mmap, 0, page_up(count * sizeof(struct page)), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (is_error(pages))
        return pages;
    long mappings = call(__NR_mmap, 0, page_up(count), PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (is_error(mappings))
        return mappings;
    enclave->pages = (struct page *)pages;
    enclave->mappings = (uint8_t *)mappings;
    return 0;
}

long enclave_create(struct enclave *enclave, int fd, uint64_t argument)
{
    struct sgx_enclave_create request;
    if (enclave->created)
        return -EINVAL;
    if (read_user(&request, argument, sizeof request) != 0 ||
        read_user(&enclave->secs, request.src, sizeof enclave->secs) != 0)
        return -EFAULT;
    const struct secs *secs = &enclave->secs;
    if (secs->size < SMALLEST_ENCLAVE || (secs->size & (secs->size - 1)) != 0 ||
        secs->size > 1UL << LARGEST_ENCLAVE_BITS)
        return -EINVAL;
    if (!secs_ok(secs))
        return -EIO;
    enclave->base = secs->base;
    enclave->size = secs->size;
    long error = call(__NR_ftruncate, fd, enclave->size);
    if (error == 0)
        error = maps_view(enclave, fd);
    if (error == 0)
        error = allocate_tables(enclave);
    if (error != 0)
        return error;
    measure_ecreate(&enclave->measurement, platform()->engine, secs->ssa_frame_size, secs->size);
    enclave->created = 1;
    maps_adopt_early(enclave, fd);
    note("ECREATE: base 0x%lx, size 0x%lx, attributes 0x%lx, xfrm 0x%lx", enclave->base,
         enclave->size, secs->attributes.flags, secs->attributes.xfrm);
    return 0;
}

/* sgx_validate_secinfo. */
static int secinfo_ok(const struct secinfo *secinfo)
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

/* EADD's conditions on a TCS (SDM vol. 3D, EADD: reserved fields, flags, alignment). */
static int tcs_ok(const struct tcs *tcs)
{
    return tcs->reserved1 == 0 && (tcs->flags & ~1UL) == 0 && (tcs->ossa & PAGE_MASK) == 0 &&
           tcs->cssa == 0 && tcs->reserved2 == 0 && (tcs->ofsbase & PAGE_MASK) == 0 &&
           (tcs->ogsbase & PAGE_MASK) == 0 && (tcs->fslimit & PAGE_MASK) == PAGE_MASK &&
           (tcs->gslimit & PAGE_MASK) == PAGE_MASK &&
           zero_bytes(tcs->reserved3, sizeof tcs->reserved3);
}

static long add_page(struct enclave *enclave, uint64_t offset, uint64_t source,
                     const struct secinfo *secinfo, int measured)
{
    struct page *page = &enclave->pages[offset / PAGE_SIZE];
    uint8_t *memory = enclave->memory + offset;
    if (page->valid)
        return -EBUSY;
    if (read_user(memory, source, PAGE_SIZE) != 0)
        return -EFAULT;
    uint8_t type = SECINFO_TYPE(secinfo->flags), permissions = secinfo->flags & PERMISSIONS;
    if (type == PAGE_TCS && !tcs_ok((const struct tcs *)memory)) {
        memset(memory, 0, PAGE_SIZE);
        return -EIO;
    }
    *page = (struct page){.valid = 1,
                          .type = type,
                          .permissions = permissions,
                          .max_permissions = type == PAGE_TCS ? 3 : permissions};
    measure_eadd(&enclave->measurement, offset, (const uint8_t *)secinfo);
    for (uint64_t i = 0; measured && i < PAGE_SIZE; i += MEASURE_CHUNK)
        measure_eextend(&enclave->measurement, offset + i, memory + i);
    return 0;
}

/* Pages up to the first fault stay added, and `count` says how far it came. */
long enclave_add_pages(struct enclave *enclave, uint64_t argument)
{
    struct sgx_enclave_add_pages request;
    struct secinfo secinfo;
    if (!enclave->created || enclave->initialized)
        return -EINVAL;
    if (read_user(&request, argument, sizeof request) != 0)
        return -EFAULT;
    if (((request.offset | request.src | request.length) & PAGE_MASK) != 0 || request.length == 0 ||
        request.offset > enclave->size || request.length > enclave->size - request.offset)
        return -EINVAL;
    if (read_user(&secinfo, request.secinfo, sizeof secinfo) != 0)
        return -EFAULT;
    if (!secinfo_ok(&secinfo))
        return -EINVAL;
    long error = 0;
    uint64_t done = 0;
    while (done < request.length) {
        error = add_page(enclave, request.offset + done, request.src + done, &secinfo,
                         (request.flags & MEASURE_PAGE) != 0);
        if (error != 0)
            break;
        done += PAGE_SIZE;
    }
    uint64_t first = request.offset / PAGE_SIZE;
    apply_permissions(enclave, first, first + done / PAGE_SIZE);
    request.count = done;
    return write_user(argument, &request, sizeof request) != 0 ? -EFAULT : error;
}

static void remember_identity(struct enclave *enclave, const struct sigstruct *sig,
                              const uint8_t mrenclave[SHA256_SIZE],
                              const uint8_t mrsigner[SHA256_SIZE])
{
    struct secs *secs = &enclave->secs;
    secs->attributes.flags |= SGX_ATTRIBUTE_INIT;
    secs->isvprodid = sig->isvprodid;
    secs->isvsvn = sig->isvsvn;
    memcpy(secs->mrenclave, mrenclave, SHA256_SIZE);
    memcpy(secs->mrsigner, mrsigner, SHA256_SIZE);
    struct enclave_identity *identity = &enclave->identity;
    identity->attributes = secs->attributes;
    identity->miscselect = secs->miscselect;
    identity->isvprodid = secs->isvprodid;
    identity->isvsvn = secs->isvsvn;
    identity->configsvn = secs->configsvn;
    memcpy(identity->mrenclave, mrenclave, SHA256_SIZE);
    memcpy(identity->mrsigner, mrsigner, SHA256_SIZE);
    memcpy(identity->configid, secs->configid, sizeof identity->configid);
    memcpy(identity->isvfamilyid, sig->isvfamilyid, sizeof identity->isvfamilyid);
    memcpy(identity->isvextprodid, sig->isvextprodid, sizeof identity->isvextprodid);
}

static const char *error_name(uint32_t error)
{
    switch (error) {
    case SGX_INVALID_SIG_STRUCT:
        return "the signature structure is malformed";
    case SGX_INVALID_ATTRIBUTE:
        return "the attributes are not the signed ones";
    case SGX_INVALID_MEASUREMENT:
        return "the measurement is not the signed one";
    case SGX_INVALID_SIGNATURE:
        return "the signature is wrong";
    default:
        return "refused";
    }
}

/* sgx_encl_init: what only privileged software allows needs SGX_IOC_ENCLAVE_PROVISION first. The
 * driver loads the signer's hash as the launch key's, so there is no launch key to check. */
long enclave_init(struct enclave *enclave, uint64_t argument)
{
    static struct sigstruct sig; /* under the lock; too large for a signal stack's taste */
    struct sgx_enclave_init request;
    uint8_t mrsigner[SHA256_SIZE];
    if (!enclave->created || enclave->initialized)
        return -EINVAL;
    if (read_user(&request, argument, sizeof request) != 0 ||
        read_user(&sig, request.sigstruct, sizeof sig) != 0)
        return -EFAULT;
    if (sig.vendor != 0 && sig.vendor != VENDOR_INTEL)
        return -EINVAL;
    uint64_t allowed = UNPRIVILEGED | (enclave->may_provision ? SGX_ATTRIBUTE_PROVISION_KEY : 0);
    if ((enclave->secs.attributes.flags & ~allowed) != 0)
        return -EACCES;
    struct launch_view view = {.attributes = enclave->secs.attributes.flags,
                               .xfrm = enclave->secs.attributes.xfrm,
                               .miscselect = enclave->secs.miscselect};
    measure_final(&enclave->measurement, view.mrenclave);
    uint32_t error = sigstruct_check(platform()->engine, &sig, &view, mrsigner);
    if (error != 0) {
        note("EINIT: error %u: %s", error, error_name(error));
        return -EPERM;
    }
    remember_identity(enclave, &sig, view.mrenclave, mrsigner);
    exit_stubs_install(enclave);
    enclave->initialized = 1;
    note("EINIT: done, product %u, security version %u", sig.isvprodid, sig.isvsvn);
    return 0;
}

long enclave_provision(struct enclave *enclave, uint64_t argument)
{
    struct sgx_enclave_provision request;
    if (read_user(&request, argument, sizeof request) != 0)
        return -EFAULT;
    const struct enclave *node = enclave_by_fd((int)request.fd);
    if (node == NULL || !node->is_provision_node)
        return -EINVAL;
    enclave->may_provision = 1;
    return 0;
}
