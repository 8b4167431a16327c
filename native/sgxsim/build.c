// SPDX-License-Identifier: Apache-2.0
#include "build.h"
#include "crypto/measure.h"
#include "crypto/sigstruct.h"
#include "exit_stubs.h"
#include "log.h"
#include "maps.h"
#include "platform.h"
#include "user_memory.h"
#include "xstate.h"
#include <asm/sgx.h>
#include <linux/mman.h>

#define VENDOR_INTEL 0x8086
#define MEASURE_PAGE 1 /* SGX_PAGE_MEASURE */
/* How many pages are added before the driver looks whether a signal is waiting. */
#define PAGES_AT_ONCE 256

/* Attributes an enclave may have without privilege (the driver's SGX_ATTR_UNPRIV_MASK). */
#define UNPRIVILEGED (SGX_ATTRIBUTE_DEBUG | SGX_ATTRIBUTE_MODE64BIT | SGX_ATTRIBUTE_KSS)

/* The driver answers EIO for all that the processor refuses. */
long enclave_create_from(struct enclave *enclave, int fd, uint64_t secs_user)
{
    struct enclave_header *file = enclave->file;
    struct secs *secs = &file->secs;
    if (file->created)
        return -EINVAL;
    if (read_user(secs, secs_user, sizeof *secs) != 0)
        return -EFAULT;
    struct secs_limits limits = {.attributes = SUPPORTED_ATTRIBUTES,
                                 .xfrm = xstate_enabled(),
                                 .miscselect = SUPPORTED_MISCSELECT,
                                 .xsave_size = xstate_size(secs->attributes.xfrm)};
    if (!secs_ok(secs, &limits))
        return -EIO;
    struct enclave_layout layout;
    enclave_file_sizes(&layout, secs->size);
    long error = call(__NR_ftruncate, fd, layout.end);
    if (error == 0)
        error = enclave_learn(enclave, fd);
    if (error == 0)
        error = maps_view(enclave, fd);
    if (error != 0)
        return error;
    measure_ecreate(&file->measurement, platform()->engine, secs->ssa_frame_size, secs->size);
    file->created = 1;
    maps_adopt_early(enclave, fd);
    note("ECREATE: base 0x%lx, size 0x%lx, attributes 0x%lx, xfrm 0x%lx", enclave->base,
         enclave->size, secs->attributes.flags, secs->attributes.xfrm);
    return 0;
}

long enclave_create(struct enclave *enclave, int fd, uint64_t argument)
{
    struct sgx_enclave_create request;
    if (read_user(&request, argument, sizeof request) != 0)
        return -EFAULT;
    return enclave_create_from(enclave, fd, request.src);
}

/* EADD sets a TCS's state and leaves no debugger's wish in it (SDM vol. 3D, EADD). */
static void initialize_tcs(struct tcs *tcs)
{
    tcs->flags &= ~TCS_DBGOPTIN;
    tcs->cssa = 0;
}

/* `measured` has a bit for each 256 bytes. */
long enclave_add_page(struct enclave *enclave, uint64_t offset, uint64_t source,
                      const struct secinfo *secinfo, uint16_t measured)
{
    uint8_t *memory = enclave->memory + offset;
    struct sha256 *measurement = &enclave->file->measurement;
    if (enclave->pages[offset / PAGE_SIZE].valid)
        return -EBUSY;
    if (read_user(memory, source, PAGE_SIZE) != 0)
        return -EFAULT;
    uint8_t type = SECINFO_TYPE(secinfo->flags), permissions = secinfo->flags & PERMISSIONS;
    if (type == PAGE_TCS) {
        if (!tcs_ok((const struct tcs *)memory)) {
            memset(memory, 0, PAGE_SIZE);
            return -EIO;
        }
        initialize_tcs((struct tcs *)memory);
    }
    struct page page = {.valid = 1,
                        .type = type,
                        .permissions = permissions,
                        .max_permissions = type == PAGE_TCS ? 3 : permissions};
    page_put(enclave, offset / PAGE_SIZE, page);
    measure_eadd(measurement, offset, (const uint8_t *)secinfo);
    for (unsigned i = 0; i < PAGE_SIZE / MEASURE_CHUNK; i++)
        if ((measured >> i & 1) != 0)
            measure_eextend(measurement, offset + i * MEASURE_CHUNK, memory + i * MEASURE_CHUNK);
    return 0;
}

/* All signals wait while the emulator is at work; the program's own mask says which it would take.
 */
static int signal_waits(uint64_t blocked)
{
    uint64_t pending = 0;
    return call(__NR_rt_sigpending, &pending, sizeof pending) == 0 && (pending & ~blocked) != 0;
}

/* Pages up to the first fault, or to the first signal, stay added, and `count` says how far it
 * came. */
long enclave_add_pages(struct enclave *enclave, uint64_t argument, uint64_t blocked)
{
    struct sgx_enclave_add_pages request;
    struct secinfo secinfo;
    if (!enclave->file->created || enclave->file->initialized || enclave->memory == NULL)
        return -EINVAL;
    if (read_user(&request, argument, sizeof request) != 0)
        return -EFAULT;
    if (!range_ok(enclave->size, request.offset, request.length) || (request.src & PAGE_MASK) != 0)
        return -EINVAL;
    if (read_user(&secinfo, request.secinfo, sizeof secinfo) != 0)
        return -EFAULT;
    if (!secinfo_ok(&secinfo))
        return -EINVAL;
    uint16_t measured = (request.flags & MEASURE_PAGE) != 0 ? 0xffff : 0;
    long error = 0;
    uint64_t done = 0;
    while (done < request.length) {
        if (done != 0 && done % (PAGES_AT_ONCE * PAGE_SIZE) == 0 && signal_waits(blocked))
            break;
        error = enclave_add_page(enclave, request.offset + done, request.src + done, &secinfo,
                                 measured);
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
    struct secs *secs = &enclave->file->secs;
    secs->attributes.flags |= SGX_ATTRIBUTE_INIT;
    secs->isvprodid = sig->isvprodid;
    secs->isvsvn = sig->isvsvn;
    memcpy(secs->mrenclave, mrenclave, SHA256_SIZE);
    memcpy(secs->mrsigner, mrsigner, SHA256_SIZE);
    struct enclave_identity *identity = &enclave->file->identity;
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
long enclave_init_from(struct enclave *enclave, uint64_t sigstruct_user, uint64_t extra_attributes)
{
    static struct sigstruct sig; /* under the lock; too large for a signal stack's taste */
    struct enclave_header *file = enclave->file;
    uint8_t mrsigner[SHA256_SIZE];
    if (!file->created || file->initialized || enclave->memory == NULL)
        return -EINVAL;
    if (read_user(&sig, sigstruct_user, sizeof sig) != 0)
        return -EFAULT;
    if (sig.vendor != 0 && sig.vendor != VENDOR_INTEL)
        return -EINVAL;
    uint64_t allowed =
        UNPRIVILEGED | extra_attributes | (file->may_provision ? SGX_ATTRIBUTE_PROVISION_KEY : 0);
    if ((file->secs.attributes.flags & ~allowed) != 0)
        return -EACCES;
    struct launch_view view = {.attributes = file->secs.attributes.flags,
                               .xfrm = file->secs.attributes.xfrm,
                               .miscselect = file->secs.miscselect};
    measure_final(&file->measurement, view.mrenclave);
    uint32_t error = sigstruct_check(platform()->engine, &sig, &view, mrsigner);
    if (error != 0) {
        note("EINIT: error %u: %s", error, error_name(error));
        return -EPERM;
    }
    remember_identity(enclave, &sig, view.mrenclave, mrsigner);
    exit_stubs_install(enclave);
    file->initialized = 1;
    enclave->initialized = 1;
    note("EINIT: done, product %u, security version %u", sig.isvprodid, sig.isvsvn);
    return 0;
}

long enclave_init(struct enclave *enclave, uint64_t argument)
{
    struct sgx_enclave_init request;
    if (read_user(&request, argument, sizeof request) != 0)
        return -EFAULT;
    return enclave_init_from(enclave, request.sigstruct, 0);
}

long enclave_provision(struct enclave *enclave, uint64_t argument)
{
    struct sgx_enclave_provision request;
    if (read_user(&request, argument, sizeof request) != 0)
        return -EFAULT;
    const struct enclave *node = enclave_by_fd((int)request.fd);
    if (node == NULL || node->file->kind != KIND_PROVISION)
        return -EINVAL;
    enclave->file->may_provision = 1;
    return 0;
}
