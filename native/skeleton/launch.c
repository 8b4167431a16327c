// SPDX-License-Identifier: Apache-2.0
#include "launch.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "device.h"
#include "enclave_error.h"
#include "image.h"
#include "layout.h"
#include "measure.h"
#include "output.h"
#include "sigstruct_check.h"

static const char image_path[] = "encl.bin";
static const char sigstruct_path[] = "encl.ss";

/* EINIT may be interrupted for long on a busy machine; the driver retries some times itself. */
#define EINIT_ATTEMPTS 50

static int build(struct image *image, const uint8_t *sigstruct, bool debug,
                 struct enclave *enclave);
static int reserve(const struct layout *layout, struct enclave *enclave, uint64_t *base);
static int create(const struct layout *layout, int fd, uint64_t base);
static int add_pages(const struct layout *layout, int fd);
static int add_segment(int fd, const uint8_t *data, uint64_t offset, const struct segment *segment);
static int init(const struct layout *layout, int fd, const uint8_t *sigstruct);
static int explain_refusal(const struct layout *layout, const uint8_t *sigstruct, int code);
static int map_pages(const struct layout *layout, int fd, uint64_t base);
static void log_identity(const struct layout *layout, const uint8_t *sigstruct);

int enclave_launch(bool debug, struct enclave *enclave)
{
    struct image image;
    uint8_t sigstruct[SGX_SIGSTRUCT_SIZE];
    *enclave = (struct enclave){.fd = -1};
    int result = image_read(image_path, &image);
    if (result < 0)
        return result;
    result = sigstruct_read(sigstruct_path, sigstruct);
    if (result == 0)
        result = build(&image, sigstruct, debug, enclave);
    image_free(&image);
    if (result < 0)
        enclave_close(enclave);
    return result;
}

static int build(struct image *image, const uint8_t *sigstruct, bool debug, struct enclave *enclave)
{
    struct layout layout;
    uint64_t base = 0;
    int result = layout_make(image, sigstruct, debug, &layout);
    if (result < 0)
        return result;
    if (!image->null_deref_protection)
        output_log(LOG_DEBUG, "signed without NULL-dereference protection");
    enclave->fd = device_open();
    if (enclave->fd < 0)
        return enclave->fd;
    if ((result = reserve(&layout, enclave, &base)) < 0 ||
        (result = create(&layout, enclave->fd, base)) < 0 ||
        (result = add_pages(&layout, enclave->fd)) < 0 ||
        (result = init(&layout, enclave->fd, sigstruct)) < 0 ||
        (result = map_pages(&layout, enclave->fd, base)) < 0)
        return result;
    enclave->tcs = base + layout.image_offset;
    log_identity(&layout, sigstruct);
    return 0;
}

/*
 * Reserves addresses for the enclave: its whole range, aligned to its size, or, with
 * NULL-dereference protection, where the range starts at 0, only what its pages take.
 */
static int reserve(const struct layout *layout, struct enclave *enclave, uint64_t *base)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    if (layout->image_offset != 0) {
        void *wanted = (void *)layout->image_offset;
        void *area =
            mmap(wanted, layout->mapped_size, PROT_NONE, flags | MAP_FIXED_NOREPLACE, -1, 0);
        if (area == MAP_FAILED || area != wanted) {
            int error = area == MAP_FAILED ? errno : EEXIST;
            if (area != MAP_FAILED)
                munmap(area, layout->mapped_size);
            output_log(LOG_ERROR,
                       "map the enclave at %#llx: %s (signed for another vm.mmap_min_addr?)",
                       (unsigned long long)layout->image_offset, strerror(error));
            return -error;
        }
        enclave->range = layout->image_offset;
        enclave->range_size = layout->mapped_size;
        *base = 0;
        return 0;
    }
    uint64_t size = layout->enclave_size;
    void *area = mmap(NULL, 2 * size, PROT_NONE, flags, -1, 0);
    if (area == MAP_FAILED) {
        int error = errno;
        output_log(LOG_ERROR, "reserve %#llx bytes: %s", (unsigned long long)(2 * size),
                   strerror(error));
        return -error;
    }
    uint64_t start = (uint64_t)area;
    *base = (start + size - 1) & ~(size - 1);
    if (*base > start)
        munmap(area, *base - start);
    munmap((void *)(*base + size), start + size - *base);
    enclave->range = *base;
    enclave->range_size = size;
    return 0;
}

static int create(const struct layout *layout, int fd, uint64_t base)
{
    _Alignas(SGX_PAGE_SIZE) struct sgx_secs secs = {
        .size = layout->enclave_size,
        .base = base,
        .ssa_frame_size = layout->ssa_frame_pages,
        .miscselect = layout->miscselect,
        .attributes = layout->attributes,
        .xfrm = layout->xfrm,
    };
    struct sgx_enclave_create request = {.src = (uint64_t)&secs};
    if (ioctl(fd, SGX_IOC_ENCLAVE_CREATE, &request) == 0)
        return 0;
    int error = errno;
    output_log(LOG_ERROR,
               "ECREATE: %s (size %#llx, attributes %#llx, XFRM %#llx, MISCSELECT %#x, SSA %u)",
               strerror(error), (unsigned long long)secs.size, (unsigned long long)secs.attributes,
               (unsigned long long)secs.xfrm, secs.miscselect, secs.ssa_frame_size);
    return -error;
}

static int add_pages(const struct layout *layout, int fd)
{
    for (int i = 0; i < layout->segment_count; i++) {
        const struct segment *segment = &layout->segments[i];
        const uint8_t *data = segment->data;
        if (data == NULL) {
            data = mmap(NULL, segment->size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                        -1, 0);
            if (data == MAP_FAILED)
                return -ENOMEM;
        }
        int result = add_segment(fd, data, layout->image_offset + segment->offset, segment);
        if (segment->data == NULL)
            munmap((void *)data, segment->size);
        if (result < 0)
            return result;
    }
    return 0;
}

static int add_segment(int fd, const uint8_t *data, uint64_t offset, const struct segment *segment)
{
    _Alignas(64) struct sgx_secinfo secinfo = {.flags = segment->secinfo_flags};
    uint64_t added = 0;
    while (added < segment->size) {
        struct sgx_enclave_add_pages request = {
            .src = (uint64_t)data + added,
            .offset = offset + added,
            .length = segment->size - added,
            .secinfo = (uint64_t)&secinfo,
            .flags = SGX_PAGE_MEASURE,
        };
        int result = ioctl(fd, SGX_IOC_ENCLAVE_ADD_PAGES, &request);
        int error = errno;
        /* A signal ends the call early: with the number of bytes so far, or with EINTR at 0. */
        if (result == 0 && request.count > 0 && request.count <= segment->size - added) {
            added += request.count;
            continue;
        }
        if (result < 0 && error == EINTR)
            continue;
        if (result == 0)
            error = EIO;
        output_log(LOG_ERROR, "EADD at %#llx: %s", (unsigned long long)(offset + added),
                   result > 0 ? sgx_error_name(result) : strerror(error));
        return result > 0 ? -EIO : -error;
    }
    return 0;
}

static int init(const struct layout *layout, int fd, const uint8_t *sigstruct)
{
    struct sgx_enclave_init request = {.sigstruct = (uint64_t)sigstruct};
    for (int attempt = 1;; attempt++) {
        int result = ioctl(fd, SGX_IOC_ENCLAVE_INIT, &request);
        int error = errno;
        if (result == 0)
            return 0;
        if (result < 0 && (error == EINTR || error == EBUSY) && attempt < EINIT_ATTEMPTS)
            continue;
        if (result > 0 || error == EPERM)
            return explain_refusal(layout, sigstruct, result > 0 ? result : 0);
        output_log(LOG_ERROR, "EINIT: %s%s", strerror(error),
                   error == EACCES ? " (an attribute needs the provisioning device)" : "");
        return -error;
    }
}

/* `code` is the processor's, or 0 where the driver keeps it to itself. */
static int explain_refusal(const struct layout *layout, const uint8_t *sigstruct, int code)
{
    struct enclave_claim claim = {layout->attributes, layout->xfrm, layout->miscselect, {0}};
    measure_layout(layout, claim.mrenclave);
    if (code == 0)
        code = sigstruct_check(sigstruct, &claim);
    /* Every check repeated here held, so it was the one that only the platform can make. */
    if (code == 0)
        code = SGX_INVALID_EINITTOKEN;
    output_log(LOG_ERROR, "EINIT refuses the enclave: %s (%d): %s", sgx_error_name(code), code,
               sgx_error_meaning(code));
    if (code == SGX_INVALID_MEASUREMENT) {
        output_log_hash(LOG_ERROR, "encl.bin measures as", claim.mrenclave);
        output_log_hash(LOG_ERROR, "encl.ss is signed for", sigstruct + SIGSTRUCT_ENCLAVEHASH);
    }
    return -EPERM;
}

static int map_pages(const struct layout *layout, int fd, uint64_t base)
{
    for (int i = 0; i < layout->segment_count; i++) {
        const struct segment *segment = &layout->segments[i];
        void *address = (void *)(base + layout->image_offset + segment->offset);
        if (mmap(address, segment->size, segment->prot, MAP_SHARED | MAP_FIXED, fd, 0) ==
            MAP_FAILED) {
            int error = errno;
            output_log(LOG_ERROR, "map the enclave's pages: %s", strerror(error));
            return -error;
        }
    }
    return 0;
}

static void log_identity(const struct layout *layout, const uint8_t *sigstruct)
{
    uint8_t mrsigner[SGX_HASH_SIZE];
    sigstruct_mrsigner(sigstruct, mrsigner);
    /* EINIT has compared it with what it measured. */
    output_log_hash(LOG_DEBUG, "mrenclave", sigstruct + SIGSTRUCT_ENCLAVEHASH);
    output_log_hash(LOG_DEBUG, "mrsigner", mrsigner);
    output_log(LOG_DEBUG, "enclave of %#llx bytes, %s", (unsigned long long)layout->enclave_size,
               layout->attributes & SGX_ATTR_DEBUG ? "debuggable" : "not debuggable");
}
