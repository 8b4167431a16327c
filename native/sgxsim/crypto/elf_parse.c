// SPDX-License-Identifier: Apache-2.0
#include "elf_parse.h"
#include "bytes.h"

/* ELF-64 Object File Format, version 1.5, and the x86-64 psABI. */
#define CLASS_64 2
#define DATA_LITTLE_ENDIAN 1
#define TYPE_EXECUTABLE 2
#define TYPE_SHARED 3
#define MACHINE_X86_64 62

#define SEGMENT_LOAD 1u
#define SEGMENT_INTERPRETER 3u
#define SEGMENT_GNU_STACK 0x6474e551u

struct file_header {
    uint8_t magic[4];              /* @0 */
    uint8_t file_class;            /* @4 */
    uint8_t data;                  /* @5 */
    uint8_t ident_rest[10];        /* @6 */
    uint16_t type;                 /* @16 */
    uint16_t machine;              /* @18 */
    uint32_t version;              /* @20 */
    uint64_t entry;                /* @24 */
    uint64_t headers_offset;       /* @32 */
    uint64_t section_offset;       /* @40 */
    uint32_t flags;                /* @48 */
    uint16_t header_size;          /* @52 */
    uint16_t program_header_size;  /* @54 */
    uint16_t program_header_count; /* @56 */
    uint16_t section_header_size;  /* @58 */
    uint16_t section_header_count; /* @60 */
    uint16_t section_names;        /* @62 */
};
_Static_assert(sizeof(struct file_header) == 64, "Elf64_Ehdr");

struct program_header {
    uint32_t type;        /* @0 */
    uint32_t flags;       /* @4 */
    uint64_t offset;      /* @8 */
    uint64_t address;     /* @16 */
    uint64_t physical;    /* @24 */
    uint64_t file_size;   /* @32 */
    uint64_t memory_size; /* @40 */
    uint64_t alignment;   /* @48 */
};
_Static_assert(sizeof(struct program_header) == 56, "Elf64_Phdr");

static const char *read_file_header(const void *bytes, size_t size, struct file_header *header);
static const char *take_header(struct elf_image *image, const struct program_header *header,
                               uint64_t file_size);
static const char *take_load(struct elf_image *image, const struct program_header *header,
                             uint64_t file_size);
static const char *take_interpreter(struct elf_image *image, const struct program_header *header,
                                    uint64_t file_size);
static void locate_headers(struct elf_image *image, const struct file_header *header);
static bool in_memory(const struct elf_image *image, uint64_t address);
static bool inside(uint64_t start, uint64_t size, uint64_t end);

const char *elf_parse(const void *bytes, size_t size, uint64_t file_size, struct elf_image *image)
{
    struct file_header header;
    const char *fault = read_file_header(bytes, size, &header);
    if (fault != NULL)
        return fault;
    uint64_t table_size = (uint64_t)header.program_header_count * sizeof(struct program_header);
    if (!inside(header.headers_offset, table_size, size < file_size ? size : file_size))
        return "program headers are outside the file";

    memset(image, 0, sizeof *image);
    image->relocatable = header.type == TYPE_SHARED;
    image->entry = header.entry;
    image->headers_count = header.program_header_count;
    image->alignment = ELF_PAGE;
    const uint8_t *at = (const uint8_t *)bytes + header.headers_offset;
    for (unsigned i = 0; i < header.program_header_count; i++) {
        struct program_header one;
        memcpy(&one, at + i * sizeof one, sizeof one);
        fault = take_header(image, &one, file_size);
        if (fault != NULL)
            return fault;
    }
    if (image->segment_count == 0)
        return "no loadable segment";
    if (!in_memory(image, image->entry))
        return "entry point is outside every segment";
    locate_headers(image, &header);
    return NULL;
}

uint64_t elf_headers_end(const void *bytes, size_t size)
{
    struct file_header header;
    if (read_file_header(bytes, size, &header) != NULL)
        return 0;
    uint64_t table_size = (uint64_t)header.program_header_count * sizeof(struct program_header);
    if (!inside(header.headers_offset, table_size, UINT64_MAX))
        return 0;
    uint64_t end = header.headers_offset + table_size;
    return end < sizeof header ? sizeof header : end;
}

const char *elf_check_interpreter(const char *path, size_t size)
{
    if (size < 2 || size > ELF_INTERPRETER_MAX)
        return "interpreter path has an impossible length";
    for (size_t i = 0; i + 1 < size; i++) {
        if (path[i] == '\0')
            return "interpreter path contains NUL";
    }
    if (path[size - 1] != '\0')
        return "interpreter path is not terminated";
    return NULL;
}

static const char *read_file_header(const void *bytes, size_t size, struct file_header *header)
{
    static const uint8_t magic[4] = {0x7f, 'E', 'L', 'F'};
    if (size < sizeof *header)
        return "file is shorter than an ELF header";
    memcpy(header, bytes, sizeof *header);
    if (!equal_bytes(header->magic, magic, sizeof magic))
        return "not an ELF file";
    if (header->file_class != CLASS_64 || header->data != DATA_LITTLE_ENDIAN ||
        header->machine != MACHINE_X86_64)
        return "not an x86-64 ELF file";
    if (header->type != TYPE_EXECUTABLE && header->type != TYPE_SHARED)
        return "neither an executable nor a shared ELF file";
    if (header->program_header_size != sizeof(struct program_header))
        return "program headers have an unknown size";
    uint32_t count = header->program_header_count;
    if (count == 0 || count * sizeof(struct program_header) > ELF_HEADERS_MAX)
        return "no program headers, or too many";
    return NULL;
}

static const char *take_header(struct elf_image *image, const struct program_header *header,
                               uint64_t file_size)
{
    switch (header->type) {
    case SEGMENT_LOAD:
        return take_load(image, header, file_size);
    case SEGMENT_INTERPRETER:
        return take_interpreter(image, header, file_size);
    case SEGMENT_GNU_STACK:
        image->stack = (header->flags & ELF_EXECUTE) != 0 ? ELF_STACK_EXECUTABLE : ELF_STACK_PLAIN;
        return NULL;
    default:
        return NULL;
    }
}

static const char *take_load(struct elf_image *image, const struct program_header *header,
                             uint64_t file_size)
{
    if (header->file_size > header->memory_size)
        return "segment is larger in the file than in memory";
    if (header->memory_size == 0)
        return NULL;
    /* Without bytes in the file, the offset means nothing and linkers leave what they like. */
    uint64_t offset = header->file_size == 0 ? header->address % ELF_PAGE : header->offset;
    if (header->file_size != 0 && !inside(offset, header->file_size, file_size))
        return "segment is outside the file";
    if (!inside(header->address, header->memory_size, ELF_ADDRESS_END))
        return "segment is outside user space";
    if ((header->alignment & (header->alignment - 1)) != 0 && header->alignment != 0)
        return "segment alignment is no power of two";
    if (header->alignment >= ELF_ADDRESS_END)
        return "segment alignment is larger than user space";
    if ((header->address - offset) % ELF_PAGE != 0)
        return "segment's address and offset lie differently in their pages";
    if (image->segment_count == ELF_SEGMENTS_MAX)
        return "too many segments";

    uint64_t first_page = header->address & ~(ELF_PAGE - 1);
    uint64_t end = header->address + header->memory_size;
    uint64_t end_page = (end + ELF_PAGE - 1) & ~(ELF_PAGE - 1);
    if (image->segment_count == 0)
        image->low = first_page;
    else if (first_page < image->high)
        return "segments overlap or are not in ascending order";
    image->high = end_page;

    uint64_t alignment = header->alignment < ELF_PAGE ? ELF_PAGE : header->alignment;
    if (alignment > image->alignment)
        image->alignment = alignment;
    image->segments[image->segment_count++] = (struct elf_segment){
        .offset = offset,
        .address = header->address,
        .file_size = header->file_size,
        .memory_size = header->memory_size,
        .alignment = alignment,
        .flags = header->flags & (ELF_READ | ELF_WRITE | ELF_EXECUTE),
    };
    return NULL;
}

static const char *take_interpreter(struct elf_image *image, const struct program_header *header,
                                    uint64_t file_size)
{
    if (image->interpreter_size != 0)
        return "more than one interpreter";
    if (header->file_size < 2 || header->file_size > ELF_INTERPRETER_MAX)
        return "interpreter path has an impossible length";
    if (!inside(header->offset, header->file_size, file_size))
        return "interpreter path is outside the file";
    image->interpreter_offset = header->offset;
    image->interpreter_size = (uint32_t)header->file_size;
    return NULL;
}

/*
 * AT_PHDR: where the segment that contains the table's place in the file puts it. PT_PHDR is not
 * asked, and the kernel does not ask it either (fs/binfmt_elf.c since Linux 5.18).
 */
static void locate_headers(struct elf_image *image, const struct file_header *header)
{
    uint64_t size = (uint64_t)header->program_header_count * sizeof(struct program_header);
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segments[i];
        if (header->headers_offset < segment->offset)
            continue;
        uint64_t distance = header->headers_offset - segment->offset;
        if (inside(distance, size, segment->file_size)) {
            image->headers_mapped = true;
            image->headers_address = segment->address + distance;
            return;
        }
    }
}

static bool in_memory(const struct elf_image *image, uint64_t address)
{
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segments[i];
        if (address >= segment->address && address - segment->address < segment->memory_size)
            return true;
    }
    return false;
}

/* Whether [start, start + size) lies in [0, end), without overflow. */
static bool inside(uint64_t start, uint64_t size, uint64_t end)
{
    return start <= end && size <= end - start;
}
