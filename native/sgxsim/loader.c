// SPDX-License-Identifier: Apache-2.0
#include "loader.h"
#include "crypto/elf_parse.h"
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

struct mapped_image {
    struct elf_image elf;
    uint64_t bias; /* added to every address of the file */
};

/* The start of the file being loaded; the program's and then the interpreter's. */
static uint8_t headers[ELF_HEADERS_MAX];

static const char *read_headers(int fd, struct elf_image *elf)
{
    struct stat status;
    if (is_error(call(__NR_fstat, fd, &status)))
        return "it cannot be examined";
    long size = call(__NR_pread64, fd, headers, sizeof headers, 0);
    if (is_error(size))
        return "it cannot be read";
    return elf_parse(headers, (size_t)size, (uint64_t)status.st_size, elf);
}

/* Address space for all segments. A program with fixed addresses must not displace anything. */
static long reserve(const struct elf_image *elf, uint64_t *bias)
{
    uint64_t size = elf->high - elf->low;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    *bias = 0;
    if (!elf->relocatable) {
        long at = call(__NR_mmap, elf->low, size, PROT_NONE, flags | MAP_FIXED_NOREPLACE, -1, 0);
        return is_error(at) ? at : 0;
    }
    long at = call(__NR_mmap, 0, size + elf->alignment, PROT_NONE, flags, -1, 0);
    if (is_error(at))
        return at;
    uint64_t start = ((uint64_t)at + elf->alignment - 1) & ~(elf->alignment - 1);
    uint64_t end = (uint64_t)at + size + elf->alignment;
    if (start > (uint64_t)at)
        call(__NR_munmap, at, start - (uint64_t)at);
    if (end > start + size)
        call(__NR_munmap, start + size, end - start - size);
    *bias = start - elf->low;
    return 0;
}

static int protection_of(const struct elf_segment *segment)
{
    return ((segment->flags & ELF_READ) != 0 ? PROT_READ : 0) |
           ((segment->flags & ELF_WRITE) != 0 ? PROT_WRITE : 0) |
           ((segment->flags & ELF_EXECUTE) != 0 ? PROT_EXEC : 0);
}

/* File pages, then zero: to the end of the last file page (allocators of dynamic linkers rely on
 * it), then in whole pages. */
static long map_segment(int fd, const struct elf_segment *segment, uint64_t bias)
{
    int protection = protection_of(segment);
    uint64_t start = segment->address + bias;
    uint64_t file_end = start + segment->file_size;
    uint64_t memory_end = page_up(start + segment->memory_size);
    uint64_t mapped = page_down(start);
    if (segment->file_size > 0) {
        long at = call(__NR_mmap, mapped, file_end - mapped, protection, MAP_PRIVATE | MAP_FIXED,
                       fd, page_down(segment->offset));
        if (is_error(at))
            return at;
        mapped = page_up(file_end);
        if (segment->memory_size > segment->file_size && (segment->flags & ELF_WRITE) != 0)
            memset((void *)file_end, 0, mapped - file_end);
    }
    if (memory_end <= mapped)
        return 0;
    long at = call(__NR_mmap, mapped, memory_end - mapped, protection,
                   MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
    return is_error(at) ? at : 0;
}

static const char *map_image(int fd, struct mapped_image *image, long *error)
{
    *error = reserve(&image->elf, &image->bias);
    if (*error != 0)
        return "its addresses are taken";
    for (uint32_t i = 0; i < image->elf.segment_count; i++) {
        *error = map_segment(fd, &image->elf.segments[i], image->bias);
        if (*error != 0)
            return "a segment cannot be mapped";
    }
    return NULL;
}

static const char *load_interpreter(int fd, const struct elf_image *elf,
                                    struct loaded_program *program, long *error)
{
    static char path[ELF_INTERPRETER_MAX];
    static struct mapped_image image;
    long size = call(__NR_pread64, fd, path, elf->interpreter_size, elf->interpreter_offset);
    if (size != (long)elf->interpreter_size)
        return "its interpreter's path cannot be read";
    const char *fault = elf_check_interpreter(path, (size_t)size);
    if (fault != NULL)
        return fault;
    long interpreter = call(__NR_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (is_error(interpreter)) {
        *error = interpreter;
        return "its interpreter cannot be opened";
    }
    fault = read_headers((int)interpreter, &image.elf);
    if (fault == NULL)
        fault = map_image((int)interpreter, &image, error);
    call(__NR_close, interpreter);
    program->interpreter = image.bias + image.elf.low;
    program->start = image.bias + image.elf.entry;
    return fault;
}

const char *load_program(int fd, struct loaded_program *program, long *error)
{
    static struct mapped_image image;
    *error = 0;
    const char *fault = read_headers(fd, &image.elf);
    if (fault == NULL)
        fault = map_image(fd, &image, error);
    if (fault != NULL)
        return fault;
    *program = (struct loaded_program){
        .start = image.bias + image.elf.entry,
        .entry = image.bias + image.elf.entry,
        .headers = image.elf.headers_mapped ? image.bias + image.elf.headers_address : 0,
        .header_count = image.elf.headers_count,
        .code = image.bias + image.elf.low,
        .code_end = image.bias + image.elf.high,
    };
    if (image.elf.interpreter_size == 0)
        return NULL;
    return load_interpreter(fd, &image.elf, program, error);
}
