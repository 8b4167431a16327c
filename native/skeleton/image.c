// SPDX-License-Identifier: Apache-2.0
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"

#define LARGEST_IMAGE (UINT64_C(256) << 20)
#define LARGEST_ENCLAVE (UINT64_C(1) << 36)
#define NOTE_SIZE 64

static const char note_magic[8] = {'E', 'N', 'C', 'L', 'P', 'E', 'R', 'M'};

static int open_regular(const char *path, struct stat *status);
static int read_exactly(int fd, const char *path, uint8_t *bytes, size_t size);
static int parse_note(struct image *image);
static uint64_t u64_at(const uint8_t *bytes);

int image_read(const char *path, struct image *image)
{
    *image = (struct image){0};
    struct stat status;
    int fd = open_regular(path, &status);
    if (fd < 0)
        return fd;
    uint64_t file_size = (uint64_t)status.st_size;
    int result = -EINVAL;
    if (file_size <= SGX_PAGE_SIZE || file_size > LARGEST_IMAGE) {
        output_log(LOG_ERROR, "`%s`: %llu bytes are no enclave image", path,
                   (unsigned long long)file_size);
        goto out;
    }
    image->size = (file_size + SGX_PAGE_SIZE - 1) & ~(uint64_t)(SGX_PAGE_SIZE - 1);
    /* Memory of our own: a mapping of the file would change, or fault, as the container likes. */
    image->pages =
        mmap(NULL, image->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (image->pages == MAP_FAILED) {
        image->pages = NULL;
        result = -ENOMEM;
        goto out;
    }
    result = read_exactly(fd, path, image->pages, file_size);
    if (result == 0)
        result = image_parse(image);
    if (result < 0)
        image_free(image);
out:
    close(fd);
    return result;
}

void image_free(struct image *image)
{
    if (image->pages != NULL)
        munmap(image->pages, image->size);
    *image = (struct image){0};
}

int image_parse(struct image *image)
{
    const uint8_t *metadata = image->pages + image->size - SGX_PAGE_SIZE;
    image->max_mmap_size = u64_at(metadata);
    uint8_t protection = metadata[8];
    image->mmap_min_addr = u64_at(metadata + 9);
    image->null_deref_protection = protection == 1;
    if (protection > 1 || image->max_mmap_size > LARGEST_ENCLAVE ||
        (protection == 1 &&
         (image->mmap_min_addr % SGX_PAGE_SIZE != 0 || image->mmap_min_addr > LARGEST_ENCLAVE))) {
        output_log(LOG_ERROR, "the image's last page holds no valid metadata");
        return -EINVAL;
    }
    return parse_note(image);
}

int sigstruct_read(const char *path, uint8_t sigstruct[SGX_SIGSTRUCT_SIZE])
{
    struct stat status;
    int fd = open_regular(path, &status);
    if (fd < 0)
        return fd;
    int result;
    if (status.st_size != SGX_SIGSTRUCT_SIZE) {
        output_log(LOG_ERROR, "`%s`: %lld bytes are no SIGSTRUCT, which has %d", path,
                   (long long)status.st_size, SGX_SIGSTRUCT_SIZE);
        result = -EINVAL;
    } else {
        result = read_exactly(fd, path, sigstruct, SGX_SIGSTRUCT_SIZE);
    }
    close(fd);
    return result;
}

/* Waits for nothing: a FIFO of that name must not hang the container's start. */
static int open_regular(const char *path, struct stat *status)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        int error = errno;
        output_log(LOG_ERROR, "open `%s`: %s", path, strerror(error));
        return -error;
    }
    if (fstat(fd, status) < 0 || !S_ISREG(status->st_mode)) {
        output_log(LOG_ERROR, "open `%s`: not a regular file", path);
        close(fd);
        return -EINVAL;
    }
    return fd;
}

static int read_exactly(int fd, const char *path, uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t count = read(fd, bytes, size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            int error = count < 0 ? errno : EIO;
            output_log(LOG_ERROR, "read `%s`: %s", path, count < 0 ? strerror(error) : "it shrank");
            return -error;
        }
        bytes += count;
        size -= (size_t)count;
    }
    return 0;
}

static int parse_note(struct image *image)
{
    uint64_t limit = image->size - SGX_PAGE_SIZE;
    image->note = (struct page_note){0};
    const uint8_t *bytes = image->pages + limit - NOTE_SIZE;
    if (memcmp(bytes, note_magic, sizeof(note_magic)) != 0)
        return 0;
    static const uint8_t version_one[8] = {1, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t zero[16];
    struct page_note note = {true, u64_at(bytes + 16), u64_at(bytes + 24), u64_at(bytes + 32),
                             u64_at(bytes + 40)};
    uint64_t all = note.code_start | note.code_end | note.data_start | note.data_end;
    if (memcmp(bytes + 8, version_one, 8) != 0 || memcmp(bytes + 48, zero, 16) != 0 ||
        all % SGX_PAGE_SIZE != 0 || note.code_start < SGX_PAGE_SIZE ||
        note.code_start > note.code_end || note.code_end > note.data_start ||
        note.data_start > note.data_end || note.data_end > image->size) {
        output_log(LOG_ERROR, "the image's page note is not valid");
        return -EINVAL;
    }
    image->note = note;
    return 0;
}

static uint64_t u64_at(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof(value));
    return value;
}
