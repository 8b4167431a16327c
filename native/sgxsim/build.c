// SPDX-License-Identifier: Apache-2.0
#include "build.h"
#include "crypto/measure.h"
#include "epc.h"
#include "crypto/sigstruct.h"
#include "exit_stubs.h"
#include "log.h"
#include "maps.h"
#include "platform.h"
#include "service.h"
#include "user_memory.h"
#include "xstate.h"
#include <asm/sgx.h>
#include <linux/mman.h>

#define VENDOR_INTEL 0x8086
#define MEASURE_PAGE 1 /* SGX_PAGE_MEASURE */
/* How many pages are added before the driver looks whether a signal is waiting, */
#define PAGES_AT_ONCE 256
/* and in one step. */
#define BATCH 16

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
    if (error == 0)
        error = epc_take(enclave->chunks, layout.memory - layout.chunks);
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

/* Pages on their way into the enclave; under the lock. They are written with one call, because a
 * fault for each page of a mapping costs more than all the rest. */
static uint8_t batch[BATCH * PAGE_SIZE];

static long fetch_page(const struct enclave *enclave, uint64_t index, uint8_t *to, uint64_t source,
                       uint8_t type)
{
    if (page_of(enclave, index)->valid)
        return -EBUSY;
    if (read_user(to, source, PAGE_SIZE) != 0)
        return -EFAULT;
    if (type != PAGE_TCS)
        return 0;
    if (!tcs_ok((const struct tcs *)to))
        return -EIO;
    initialize_tcs((struct tcs *)to);
    return 0;
}

static void measure_page(struct sha256 *measurement, uint64_t offset, const uint8_t *content,
                         const uint8_t secinfo[SGX_SECINFO_SIZE], uint16_t measured)
{
    measure_eadd(measurement, offset, secinfo);
    for (unsigned i = 0; i < PAGE_SIZE / MEASURE_CHUNK; i++)
        if ((measured >> i & 1) != 0)
            measure_eextend(measurement, offset + i * MEASURE_CHUNK, content + i * MEASURE_CHUNK);
}

uint64_t enclave_add_batch(struct enclave *enclave, int fd, const struct page_source *pages,
                           uint64_t count, long *error)
{
    uint8_t type = SECINFO_TYPE(pages->secinfo.flags);
    uint8_t permissions = pages->secinfo.flags & PERMISSIONS;
    struct page page = {.valid = 1,
                        .type = type,
                        .permissions = permissions,
                        .max_permissions = type == PAGE_TCS ? 3 : permissions};
    uint64_t first = pages->offset / PAGE_SIZE, ready = 0;
    uint8_t secinfo[SGX_SECINFO_SIZE];
    memcpy(secinfo, &pages->secinfo, sizeof secinfo);
    *error = 0;
    if (enclave_tables_take(enclave, first, count < BATCH ? count : BATCH) != 0) {
        *error = -ENOMEM;
        return 0;
    }
    for (; ready < count && ready < BATCH && *error == 0; ready += *error == 0)
        *error = fetch_page(enclave, first + ready, batch + ready * PAGE_SIZE,
                            pages->source + ready * PAGE_SIZE, type);
    if (ready == 0)
        return 0;
    while (ready > 0 && !epc_has_room(ready)) {
        ready--;
        *error = -ENOMEM;
    }
    if (ready == 0)
        return 0;
    long size = (long)(ready * PAGE_SIZE);
    long written = call(__NR_pwrite64, fd, batch, size, enclave->layout.memory + pages->offset);
    if (written != size) {
        *error = is_error(written) && written != -ENOSPC ? written : -ENOMEM;
        return 0;
    }
    for (uint64_t i = 0; i < ready; i++) {
        page_put(enclave, first + i, page);
        measure_page(&enclave->file->measurement, pages->offset + i * PAGE_SIZE,
                     batch + i * PAGE_SIZE, secinfo, pages->measured);
    }
    return ready;
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
long enclave_add_pages(struct enclave *enclave, int fd, uint64_t argument, uint64_t blocked)
{
    struct sgx_enclave_add_pages request;
    struct page_source pages;
    if (!enclave->file->created || enclave->file->initialized || enclave->memory == NULL)
        return -EINVAL;
    if (read_user(&request, argument, sizeof request) != 0)
        return -EFAULT;
    if (!range_ok(enclave->size, request.offset, request.length) || (request.src & PAGE_MASK) != 0)
        return -EINVAL;
    if (read_user(&pages.secinfo, request.secinfo, sizeof pages.secinfo) != 0)
        return -EFAULT;
    if (!secinfo_ok(&pages.secinfo))
        return -EINVAL;
    pages.measured = (request.flags & MEASURE_PAGE) != 0 ? 0xffff : 0;
    long error = 0;
    uint64_t done = 0, total = request.length / PAGE_SIZE;
    while (done < total && error == 0) {
        if (done % PAGES_AT_ONCE == 0 && done != 0 && signal_waits(blocked))
            break;
        pages.offset = request.offset + done * PAGE_SIZE;
        pages.source = request.src + done * PAGE_SIZE;
        done += enclave_add_batch(enclave, fd, &pages, total - done, &error);
    }
    uint64_t first = request.offset / PAGE_SIZE;
    apply_permissions(enclave, first, first + done);
    request.count = done * PAGE_SIZE;
    return write_user(argument, &request, sizeof request) != 0 ? -EFAULT : error;
}

/* Who the enclave will be. */
static struct enclave_identity identity_of(const struct secs *secs, const struct sigstruct *sig,
                                           const uint8_t mrenclave[SHA256_SIZE],
                                           const uint8_t mrsigner[SHA256_SIZE])
{
    struct enclave_identity identity = {
        .attributes = secs->attributes,
        .miscselect = secs->miscselect,
        .isvprodid = sig->isvprodid,
        .isvsvn = sig->isvsvn,
        .configsvn = secs->configsvn,
    };
    identity.attributes.flags |= SGX_ATTRIBUTE_INIT;
    memcpy(identity.mrenclave, mrenclave, SHA256_SIZE);
    memcpy(identity.mrsigner, mrsigner, SHA256_SIZE);
    memcpy(identity.configid, secs->configid, sizeof identity.configid);
    memcpy(identity.isvfamilyid, sig->isvfamilyid, sizeof identity.isvfamilyid);
    memcpy(identity.isvextprodid, sig->isvextprodid, sizeof identity.isvextprodid);
    return identity;
}

static void remember_identity(struct enclave_header *file, const struct enclave_identity *identity)
{
    struct secs *secs = &file->secs;
    secs->attributes = identity->attributes;
    secs->isvprodid = identity->isvprodid;
    secs->isvsvn = identity->isvsvn;
    memcpy(secs->mrenclave, identity->mrenclave, SHA256_SIZE);
    memcpy(secs->mrsigner, identity->mrsigner, SHA256_SIZE);
    file->identity = *identity;
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
    case SGX_INVALID_EINITTOKEN:
        return "the launch token is not this platform's for this enclave";
    default:
        return "refused";
    }
}

static uint32_t count_threads(const struct enclave *enclave)
{
    uint32_t count = 0;
    PAGES_OF(enclave, i)
    count += enclave->pages[i].type == PAGE_TCS;
    return count;
}

/* What the platform service decides, who then knows of the enclave. */
static uint32_t launch_by_service(const struct enclave *enclave, const struct sigstruct *sig,
                                  const struct enclave_identity *identity, const uint8_t *token,
                                  uint8_t ticket[SERVICE_TICKET])
{
    static const uint8_t no_token[SERVICE_TOKEN];
    const struct enclave_header *file = enclave->file;
    struct service_launch launch = {
        .attributes = file->secs.attributes,
        .miscselect = identity->miscselect,
        .configsvn = identity->configsvn,
        .flags = (uint16_t)((file->may_provision ? SERVICE_LAUNCH_PROVISION : 0) |
                            (token != NULL ? SERVICE_LAUNCH_TOKENS : 0)),
        .size = enclave->size,
        .pages = file->page_count,
        .threads = count_threads(enclave),
    };
    memcpy(launch.mrenclave, identity->mrenclave, SHA256_SIZE);
    memcpy(launch.configid, identity->configid, sizeof launch.configid);
    return service_einit(sig, token != NULL ? token : no_token, &launch, identity, ticket);
}

/* sgx_encl_init: what only privileged software allows needs SGX_IOC_ENCLAVE_PROVISION first. The
 * driver loads the signer's hash as the launch key's, so there is no launch key to check. With a
 * token it is the legacy driver's, which asks nothing of that; without a service nobody has a
 * launch key, and the token is not looked at. */
long enclave_init_from(struct enclave *enclave, uint64_t sigstruct_user, const uint8_t *token)
{
    static struct sigstruct sig; /* under the lock; too large for a signal stack's taste */
    struct enclave_header *file = enclave->file;
    uint8_t mrsigner[SHA256_SIZE], ticket[SERVICE_TICKET] = {0};
    if (!file->created || file->initialized || enclave->memory == NULL)
        return -EINVAL;
    if (read_user(&sig, sigstruct_user, sizeof sig) != 0)
        return -EFAULT;
    if (sig.vendor != 0 && sig.vendor != VENDOR_INTEL)
        return -EINVAL;
    uint64_t allowed = UNPRIVILEGED;
    if (file->may_provision || token != NULL)
        allowed |= SGX_ATTRIBUTE_PROVISION_KEY;
    if (token != NULL)
        allowed |= SGX_ATTRIBUTE_EINITTOKEN_KEY;
    if ((file->secs.attributes.flags & ~allowed) != 0)
        return -EACCES;
    struct launch_view view = {.attributes = file->secs.attributes.flags,
                               .xfrm = file->secs.attributes.xfrm,
                               .miscselect = file->secs.miscselect};
    measure_final(&file->measurement, view.mrenclave);
    sha256(platform()->engine, sig.modulus, sizeof sig.modulus, mrsigner);
    const struct enclave_identity identity =
        identity_of(&file->secs, &sig, view.mrenclave, mrsigner);
    uint32_t error = service_wanted() ? launch_by_service(enclave, &sig, &identity, token, ticket)
                                      : sigstruct_check(platform()->engine, &sig, &view, mrsigner);
    if (error == SERVICE_SILENT)
        return -EIO;
    if (error != 0) {
        note("EINIT: error %u: %s", error, error_name(error));
        return (long)error;
    }
    remember_identity(file, &identity);
    memcpy(file->ticket, ticket, sizeof ticket);
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
    long result = enclave_init_from(enclave, request.sigstruct, NULL);
    return result > 0 ? -EPERM : result;
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
