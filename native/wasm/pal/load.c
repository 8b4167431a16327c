// SPDX-License-Identifier: Apache-2.0
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "measure.h"
#include "processor.h"
#include "shared/image.h"
#include "skeleton/device.h"
#include "skeleton/enclave_error.h"
#include "skeleton/output.h"
#include "skeleton/sgx_abi.h"
#include "skeleton/sigstruct_check.h"

#define ENCLAVE_SIZE_MAX (UINT64_C(1) << 36)
#define IMAGE_SIZE_MAX (UINT64_C(1) << 31)
#define EINIT_ATTEMPTS 50

/*
 * The file, mapped. Who changes it meanwhile spoils the measurement; the header is a copy, for what
 * was checked must be what is used.
 */
struct image {
    const uint8_t *bytes;
    uint64_t size;
    struct image_header header;
};

static int image_map(const char *path, struct image *image);
static int image_check(const char *path, const struct image *image);
static int build(const char *path, const struct image *image, bool debug, struct loaded *loaded);
static int reserve(uint64_t size, struct loaded *loaded);
static int create(const struct image_header *header, uint64_t attributes, struct loaded *loaded);
static int add_segment(const struct image *image, const struct image_segment *segment, int fd);
static int init(const char *path, const struct image *image, uint64_t attributes, int fd);
static int map_segments(const struct image_header *header, const struct loaded *loaded);

int enclave_load(const char *path, bool debug, struct loaded *loaded)
{
    struct image image = {0};
    *loaded = (struct loaded){.fd = -1};
    int result = image_map(path, &image);
    if (result < 0)
        return result;
    result = image_check(path, &image);
    if (result == 0)
        result = processor_check(cpuid_of_processor, image.header.xfrm);
    if (result == 0)
        result = build(path, &image, debug, loaded);
    munmap((void *)image.bytes, image.size);
    if (result < 0)
        enclave_unload(loaded);
    return result;
}

void enclave_unload(struct loaded *loaded)
{
    if (loaded->size != 0)
        munmap((void *)loaded->base, loaded->size);
    if (loaded->fd >= 0)
        close(loaded->fd);
    *loaded = (struct loaded){.fd = -1};
}

static int image_map(const char *path, struct image *image)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) < 0) {
        int error = errno;
        output_log(LOG_ERROR, "open enclave `%s`: %s", path, strerror(error));
        if (fd >= 0)
            close(fd);
        return -error;
    }
    if (!S_ISREG(status.st_mode) || status.st_size < IMAGE_HEADER_SIZE ||
        (uint64_t)status.st_size > IMAGE_SIZE_MAX) {
        output_log(LOG_ERROR, "open enclave `%s`: it is no enclave image", path);
        close(fd);
        return -ENOEXEC;
    }
    image->size = (uint64_t)status.st_size;
    image->bytes = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    int error = errno;
    close(fd);
    if (image->bytes == MAP_FAILED) {
        output_log(LOG_ERROR, "map enclave `%s`: %s", path, strerror(error));
        return -error;
    }
    memcpy(&image->header, image->bytes, sizeof(image->header));
    return 0;
}

static bool segment_is_sound(const struct image *image, const struct image_segment *segment)
{
    uint64_t size = image->header.enclave_size;
    if (segment->offset % PAGE_SIZE != 0 || segment->size % PAGE_SIZE != 0 || segment->size == 0 ||
        segment->offset >= size || segment->size > size - segment->offset)
        return false;
    if (segment->load == SEGMENT_UNMEASURED || segment->load == SEGMENT_DYNAMIC)
        return true;
    return segment->load == SEGMENT_MEASURED && segment->file % PAGE_SIZE == 0 &&
           segment->file >= IMAGE_HEADER_SIZE && segment->file <= image->size &&
           segment->size <= image->size - segment->file;
}

static int image_check(const char *path, const struct image *image)
{
    const struct image_header *header = &image->header;
    const char *fault = NULL;
    if (memcmp(header->magic, IMAGE_MAGIC, sizeof(header->magic)) != 0)
        fault = "it is no enclave image of `sgx-tools build-wasm`";
    else if (header->version != IMAGE_VERSION)
        fault = "its format is of another version";
    else if (header->segment_count == 0 || header->segment_count > IMAGE_SEGMENTS_MAX ||
             header->enclave_size < 2 * PAGE_SIZE || header->enclave_size > ENCLAVE_SIZE_MAX ||
             (header->enclave_size & (header->enclave_size - 1)) != 0 ||
             header->tcs % PAGE_SIZE != 0 || header->tcs >= header->enclave_size)
        fault = "its header is malformed";
    for (uint32_t i = 0; fault == NULL && i < header->segment_count; i++) {
        if (!segment_is_sound(image, &header->segments[i]))
            fault = "one of its segments is malformed";
    }
    if (fault == NULL && image->bytes[IMAGE_SIGSTRUCT_OFFSET] == 0)
        fault = "it is not signed: sgx-tools sign-wasm";
    if (fault == NULL)
        return 0;
    output_log(LOG_ERROR, "load enclave `%s`: %s", path, fault);
    return -ENOEXEC;
}

static int build(const char *path, const struct image *image, bool debug, struct loaded *loaded)
{
    const struct image_header *header = &image->header;
    uint64_t attributes = header->attributes | (debug ? SGX_ATTR_DEBUG : 0);
    int result;
    loaded->fd = device_open();
    if (loaded->fd < 0)
        return loaded->fd;
    if ((result = reserve(header->enclave_size, loaded)) < 0 ||
        (result = create(header, attributes, loaded)) < 0)
        return result;
    for (uint32_t i = 0; i < header->segment_count; i++) {
        const struct image_segment *segment = &header->segments[i];
        if (segment->load != SEGMENT_DYNAMIC &&
            (result = add_segment(image, segment, loaded->fd)) < 0)
            return result;
    }
    if ((result = init(path, image, attributes, loaded->fd)) < 0 ||
        (result = map_segments(header, loaded)) < 0)
        return result;
    loaded->tcs = loaded->base + header->tcs;
    return 0;
}

static int reserve(uint64_t size, struct loaded *loaded)
{
    uint8_t *area =
        mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (area == MAP_FAILED) {
        int error = errno;
        output_log(LOG_ERROR, "reserve %#llx bytes of addresses: %s (RLIMIT_AS?)",
                   (unsigned long long)(2 * size), strerror(error));
        return -error;
    }
    uint64_t start = (uint64_t)area;
    loaded->base = (start + size - 1) & ~(size - 1);
    loaded->size = size;
    if (loaded->base > start)
        munmap(area, loaded->base - start);
    munmap((void *)(loaded->base + size), start + size - loaded->base);
    return 0;
}

static int create(const struct image_header *header, uint64_t attributes, struct loaded *loaded)
{
    _Alignas(SGX_PAGE_SIZE) struct sgx_secs secs = {
        .size = header->enclave_size,
        .base = loaded->base,
        .ssa_frame_size = header->ssa_pages,
        .miscselect = header->miscselect,
        .attributes = attributes,
        .xfrm = header->xfrm,
    };
    struct sgx_enclave_create request = {.src = (uint64_t)&secs};
    if (ioctl(loaded->fd, SGX_IOC_ENCLAVE_CREATE, &request) == 0)
        return 0;
    int error = errno;
    output_log(LOG_ERROR, "ECREATE: %s (size %#llx, attributes %#llx, XFRM %#llx, MISCSELECT %#x)",
               strerror(error), (unsigned long long)secs.size, (unsigned long long)secs.attributes,
               (unsigned long long)secs.xfrm, secs.miscselect);
    return -error;
}

static int add_segment(const struct image *image, const struct image_segment *segment, int fd)
{
    _Alignas(64) struct sgx_secinfo secinfo = {.flags = segment->flags};
    bool measured = segment->load == SEGMENT_MEASURED;
    const uint8_t *data = image->bytes + segment->file;
    if (!measured) {
        data = mmap(NULL, segment->size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                    0);
        if (data == MAP_FAILED)
            return -ENOMEM;
    }
    int result = 0;
    for (uint64_t added = 0; result == 0 && added < segment->size;) {
        struct sgx_enclave_add_pages request = {
            .src = (uint64_t)data + added,
            .offset = segment->offset + added,
            .length = segment->size - added,
            .secinfo = (uint64_t)&secinfo,
            .flags = measured ? SGX_PAGE_MEASURE : 0,
        };
        int answer = ioctl(fd, SGX_IOC_ENCLAVE_ADD_PAGES, &request);
        int error = errno;
        /* A signal ends the call early: with the number of bytes so far, or with EINTR at 0. */
        if (answer == 0 && request.count > 0 && request.count <= segment->size - added) {
            added += request.count;
        } else if (answer >= 0 || error != EINTR) {
            result = answer < 0 ? -error : -EIO;
            output_log(LOG_ERROR, "EADD at %#llx: %s",
                       (unsigned long long)(segment->offset + added),
                       answer > 0 ? sgx_error_name(answer) : strerror(-result));
        }
    }
    if (!measured)
        munmap((void *)data, segment->size);
    return result;
}

static int init(const char *path, const struct image *image, uint64_t attributes, int fd)
{
    _Alignas(SGX_PAGE_SIZE) uint8_t sigstruct[SGX_SIGSTRUCT_SIZE];
    memcpy(sigstruct, image->bytes + IMAGE_SIGSTRUCT_OFFSET, sizeof(sigstruct));
    struct sgx_enclave_init request = {.sigstruct = (uint64_t)sigstruct};
    int result, error, attempt = 0;
    do {
        result = ioctl(fd, SGX_IOC_ENCLAVE_INIT, &request);
        error = errno;
    } while (result < 0 && (error == EINTR || error == EBUSY) && ++attempt < EINIT_ATTEMPTS);
    if (result == 0)
        return 0;
    if (result < 0 && error != EPERM) {
        output_log(LOG_ERROR, "EINIT: %s", strerror(error));
        return -error;
    }
    /* The driver keeps the processor's reason to itself: the checks are repeated to name it. */
    struct enclave_claim claim = {attributes, image->header.xfrm, image->header.miscselect, {0}};
    image_measure(&image->header, image->bytes, claim.mrenclave);
    int code = result > 0 ? result : sigstruct_check(sigstruct, &claim);
    if (code == 0)
        code = SGX_INVALID_EINITTOKEN;
    output_log(LOG_ERROR, "EINIT refuses the enclave `%s`: %s (%d): %s%s", path,
               sgx_error_name(code), code, sgx_error_meaning(code),
               code == SGX_INVALID_ATTRIBUTE && (attributes & SGX_ATTR_DEBUG)
                   ? " (does its manifest allow debug?)"
                   : "");
    return -EPERM;
}

static int map_segments(const struct image_header *header, const struct loaded *loaded)
{
    for (uint32_t i = 0; i < header->segment_count; i++) {
        const struct image_segment *segment = &header->segments[i];
        bool is_tcs = (segment->flags >> 8 & 0xff) == 1;
        int protection = is_tcs ? PROT_READ | PROT_WRITE : 0;
        protection |= (segment->flags & SGX_SECINFO_R) ? PROT_READ : 0;
        protection |= (segment->flags & SGX_SECINFO_W) ? PROT_WRITE : 0;
        protection |= (segment->flags & SGX_SECINFO_X) ? PROT_EXEC : 0;
        if (mmap((void *)(loaded->base + segment->offset), segment->size, protection,
                 MAP_SHARED | MAP_FIXED, loaded->fd, 0) == MAP_FAILED) {
            int error = errno;
            output_log(LOG_ERROR, "map the enclave's pages: %s", strerror(error));
            return -error;
        }
    }
    return 0;
}
