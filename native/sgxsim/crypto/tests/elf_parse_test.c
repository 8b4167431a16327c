// SPDX-License-Identifier: Apache-2.0
/* The ELF reader: real programs, a museum of hostile ones, noise. */
#include "../elf_parse.h"
#include "elf_file.h"
#include "tap.h"

static void reads_a_program(void);
static void reads_this_program(void);
static void museum(void);
static void takes_what_the_kernel_takes(void);
static void interpreter_paths(void);
static void headers_end(void);
static void survives_noise(void);

int main(void)
{
    reads_a_program();
    reads_this_program();
    museum();
    takes_what_the_kernel_takes();
    interpreter_paths();
    headers_end();
    survives_noise();
    return done();
}

/* What elf_parse.h promises of every image it lets through. */
static bool keeps_its_promises(const struct elf_image *image, uint64_t file_size)
{
    uint64_t before = 0;
    bool entry = false;
    if (image->segment_count == 0 || image->segment_count > ELF_SEGMENTS_MAX)
        return false;
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct elf_segment *s = &image->segments[i];
        if (s->memory_size == 0 || s->file_size > s->memory_size)
            return false;
        if (s->file_size != 0 && (s->offset > file_size || s->file_size > file_size - s->offset))
            return false;
        if (s->address > ELF_ADDRESS_END || s->memory_size > ELF_ADDRESS_END - s->address)
            return false;
        if (s->address % 4096 != s->offset % 4096 || (s->flags & ~7u) != 0)
            return false;
        if (s->alignment < 4096 || (s->alignment & (s->alignment - 1)) != 0 ||
            s->alignment > image->alignment)
            return false;
        if (i != 0 && s->address / 4096 < before)
            return false;
        before = (s->address + s->memory_size + 4095) / 4096;
        entry = entry || (image->entry >= s->address && image->entry - s->address < s->memory_size);
    }
    bool range = image->low == image->segments[0].address / 4096 * 4096 &&
                 image->high == before * 4096 && image->high <= ELF_ADDRESS_END;
    bool interpreter = image->interpreter_size <= ELF_INTERPRETER_MAX &&
                       image->interpreter_offset <= file_size &&
                       image->interpreter_size <= file_size - image->interpreter_offset;
    bool headers = !image->headers_mapped ||
                   (image->headers_address >= image->low && image->headers_address < image->high);
    return entry && range && interpreter && headers;
}

static void reads_a_program(void)
{
    struct file file = program();
    struct elf_image image;
    const char *fault = parse(&file, &image);
    ok(fault == NULL && keeps_its_promises(&image, file.file_size), "a program is read");
    ok(image.relocatable && image.entry == 0x1010 && image.low == 0 && image.high == 0x6000 &&
           image.alignment == 0x1000 && image.segment_count == 2,
       "its range and entry");
    const struct elf_segment *data = &image.segments[1];
    ok(data->offset == 0x1f00 && data->address == 0x2f00 && data->file_size == 0x300 &&
           data->memory_size == 0x2345 && data->flags == (ELF_READ | ELF_WRITE) &&
           image.segments[0].flags == (ELF_READ | ELF_EXECUTE),
       "its segments");
    ok(image.interpreter_offset == 0x200 && image.interpreter_size == 28 &&
           image.stack == ELF_STACK_PLAIN && image.headers_mapped && image.headers_address == 64 &&
           image.headers_count == HEADERS,
       "its interpreter, stack and headers");
}

static void reads_this_program(void)
{
    FILE *self = fopen("/proc/self/exe", "rb");
    uint8_t *bytes = malloc(1 << 24);
    size_t size = self == NULL || bytes == NULL ? 0 : fread(bytes, 1, 1 << 24, self);
    struct elf_image image;
    const char *fault = elf_parse(bytes, size, size, &image);
    if (fault != NULL)
        printf("# %s\n", fault);
    bool path = fault == NULL && image.interpreter_size != 0 &&
                elf_check_interpreter((const char *)bytes + image.interpreter_offset,
                                      image.interpreter_size) == NULL;
    ok(path && keeps_its_promises(&image, size) && image.headers_mapped,
       "this test's own file is read");
    if (self != NULL)
        fclose(self);
    free(bytes);
}

/* A field of the program above, changed, and what is said then. */
struct exhibit {
    const char *name;
    size_t offset;
    size_t size;
    uint64_t value;
    const char *fault;
};

#define FIRST (64 + 56)
#define SECOND (64 + 2 * 56)
#define OUTSIDE_FILE "segment is outside the file"
#define OUTSIDE_SPACE "segment is outside user space"
#define OVERLAP "segments overlap or are not in ascending order"
#define COUNT "no program headers, or too many"
#define TABLE "program headers are outside the file"
#define ENTRY_FAULT "entry point is outside every segment"
#define MACHINE_FAULT "not an x86-64 ELF file"
#define PATH_LENGTH "interpreter path has an impossible length"
#define PATH_OUTSIDE "interpreter path is outside the file"

static const struct exhibit exhibits[] = {
    {"another magic", 3, 1, 'G', "not an ELF file"},
    {"32-bit", 4, 1, 1, MACHINE_FAULT},
    {"big-endian", 5, 1, 2, MACHINE_FAULT},
    {"another machine", MACHINE, 2, 183, MACHINE_FAULT},
    {"an object file", TYPE, 2, 1, "neither an executable nor a shared ELF file"},
    {"a core file", TYPE, 2, 4, "neither an executable nor a shared ELF file"},
    {"small program headers", PHENTSIZE, 2, 55, "program headers have an unknown size"},
    {"no program header", PHNUM, 2, 0, COUNT},
    {"more than 64 KiB of program headers", PHNUM, 2, 1171, COUNT},
    {"PN_XNUM", PHNUM, 2, 0xffff, COUNT},
    {"headers beyond the end", PHOFF, 8, FILE_SIZE - 56 * HEADERS + 1, TABLE},
    {"headers at the end of the address space", PHOFF, 8, UINT64_MAX - 100, TABLE},
    {"entry between segments", ENTRY, 8, 0x1800, ENTRY_FAULT},
    {"entry behind the last segment", ENTRY, 8, 0x2f00 + 0x2345, ENTRY_FAULT},
    {"entry at the top", ENTRY, 8, UINT64_MAX, ENTRY_FAULT},
    {"more in the file than in memory", SECOND + P_FILESZ, 8, 0x2346,
     "segment is larger in the file than in memory"},
    {"segment one byte beyond the file", SECOND + P_FILESZ, 8, FILE_SIZE - 0x1f00 + 1,
     OUTSIDE_FILE},
    {"segment far beyond the file", SECOND + P_OFFSET, 8, 0x100000000f00, OUTSIDE_FILE},
    {"offset + size overflows", SECOND + P_OFFSET, 8, 0xffffffffffffff00, OUTSIDE_FILE},
    {"address + size overflows", SECOND + P_VADDR, 8, 0xffffffffffffff00, OUTSIDE_SPACE},
    {"address in the kernel's half", SECOND + P_VADDR, 8, 0xffff800000000f00, OUTSIDE_SPACE},
    {"segment into the guard page", SECOND + P_VADDR, 8, 0x7ffffffff000 - 0x2345 + 1,
     OUTSIDE_SPACE},
    {"as much memory as there are addresses", SECOND + P_MEMSZ, 8, UINT64_MAX, OUTSIDE_SPACE},
    {"segment over the first", SECOND + P_VADDR, 8, 0x0f00, OVERLAP},
    {"segment in the first's last page", SECOND + P_VADDR, 8, 0x1f00, OVERLAP},
    {"first segment into the second", FIRST + P_MEMSZ, 8, 0x2001, OVERLAP},
    {"descending segments", FIRST + P_VADDR, 8, 0x10000, OVERLAP},
    {"offset and address incongruent", SECOND + P_VADDR, 8, 0x2f08,
     "segment's address and offset lie differently in their pages"},
    {"alignment of three pages", SECOND + P_ALIGN, 8, 0x3000,
     "segment alignment is no power of two"},
    {"alignment of 2^63", SECOND + P_ALIGN, 8, UINT64_C(1) << 63,
     "segment alignment is larger than user space"},
    {"an empty interpreter", 64 + P_FILESZ, 8, 1, PATH_LENGTH},
    {"an interpreter of 4097 bytes", 64 + P_FILESZ, 8, 4097, PATH_LENGTH},
    {"an endless interpreter", 64 + P_FILESZ, 8, UINT64_MAX, PATH_LENGTH},
    {"an interpreter beyond the file", 64 + P_OFFSET, 8, FILE_SIZE - 27, PATH_OUTSIDE},
    {"an interpreter whose end overflows", 64 + P_OFFSET, 8, UINT64_MAX - 10, PATH_OUTSIDE},
};

static void museum(void)
{
    for (size_t i = 0; i < sizeof exhibits / sizeof exhibits[0]; i++) {
        const struct exhibit *exhibit = &exhibits[i];
        struct file file = program();
        put(&file, exhibit->offset, exhibit->value, exhibit->size);
        struct elf_image image;
        const char *fault = parse(&file, &image);
        char name[100];
        snprintf(name, sizeof name, "refused: %s", exhibit->name);
        if (fault == NULL || strcmp(fault, exhibit->fault) != 0)
            printf("# %s: %s\n", exhibit->name, fault == NULL ? "taken" : fault);
        ok(fault != NULL && strcmp(fault, exhibit->fault) == 0, name);
    }

    struct elf_image image;
    struct file file = program();
    put_header(&file, 3, INTERP, 4, 0x200, 0x200, 28, 28);
    const char *fault = parse(&file, &image);
    ok(fault != NULL && strcmp(fault, "more than one interpreter") == 0,
       "refused: a second, good interpreter");

    file = program();
    put(&file, FIRST + P_TYPE, 0, 4);
    put(&file, SECOND + P_TYPE, 0, 4);
    fault = parse(&file, &image);
    ok(fault != NULL && strcmp(fault, "no loadable segment") == 0, "refused: nothing to load");

    file = program();
    put(&file, PHNUM, 40, 2);
    for (unsigned i = 0; i < 40; i++)
        put_header(&file, i, LOAD, 4, 0, UINT64_C(0x1000) * i, 0x1000, 0x1000);
    fault = parse(&file, &image);
    bool many = fault != NULL && strcmp(fault, "too many segments") == 0;
    put(&file, PHNUM, ELF_SEGMENTS_MAX, 2);
    ok(many && parse(&file, &image) == NULL && image.segment_count == ELF_SEGMENTS_MAX,
       "refused: a 33rd segment");

    bool short_files = true;
    for (size_t size = 0; size < header_at(HEADERS); size++) {
        file = program();
        file.size = size;
        short_files = short_files && parse(&file, &image) != NULL;
    }
    file = program();
    file.size = header_at(HEADERS);
    ok(short_files && parse(&file, &image) == NULL,
       "refused: every prefix without all the headers; one with them is enough");

    file.file_size = header_at(HEADERS) - 1;
    fault = parse(&file, &image);
    ok(fault != NULL && strcmp(fault, TABLE) == 0, "refused: bytes behind the file's end");
}

static void takes_what_the_kernel_takes(void)
{
    struct elf_image image;
    struct file file = program();
    put(&file, TYPE, 2, 2);
    put(&file, ENTRY, 0x401010, 8);
    put(&file, FIRST + P_VADDR, 0x400000, 8);
    put(&file, SECOND + P_VADDR, 0x402f00, 8);
    ok(parse(&file, &image) == NULL && !image.relocatable && image.low == 0x400000 &&
           image.headers_address == 0x400040,
       "taken: a program at a fixed address");

    file = program();
    put(&file, SECOND + P_VADDR, 0x7ffffffff000 - 0x2345, 8);
    put(&file, SECOND + P_OFFSET, (0x7ffffffff000 - 0x2345) % 0x1000, 8);
    ok(parse(&file, &image) == NULL && image.high == ELF_ADDRESS_END,
       "taken: a segment up to the last user page");

    file = program();
    put(&file, FIRST + P_ALIGN, 0, 8);
    put(&file, SECOND + P_ALIGN, 0x200000, 8);
    ok(parse(&file, &image) == NULL && image.alignment == 0x200000 &&
           image.segments[0].alignment == 0x1000,
       "taken: no alignment, and a large one");

    file = program();
    put(&file, SECOND + P_FILESZ, 0, 8);
    put(&file, SECOND + P_OFFSET, 0x123456, 8);
    ok(parse(&file, &image) == NULL && image.segments[1].offset == 0xf00 &&
           image.segments[1].file_size == 0,
       "taken: a segment of zeros with any offset");

    file = program();
    put_header(&file, 2, LOAD, 6, UINT64_MAX, UINT64_MAX, 0, 0);
    ok(parse(&file, &image) == NULL && image.segment_count == 1,
       "taken: an empty segment, which is nothing");

    file = program();
    put(&file, FIRST + P_OFFSET, 0x1000, 8);
    ok(parse(&file, &image) == NULL && !image.headers_mapped,
       "taken: headers that no segment contains");

    file = program();
    put(&file, 64 + 3 * 56 + P_FLAGS, 7, 4);
    bool executable = parse(&file, &image) == NULL && image.stack == ELF_STACK_EXECUTABLE;
    put(&file, 64 + 3 * 56 + P_TYPE, 0, 4);
    ok(executable && parse(&file, &image) == NULL && image.stack == ELF_STACK_UNSAID,
       "taken: an executable stack, and none said");
}

static void interpreter_paths(void)
{
    static const char good[] = "/lib64/ld-linux-x86-64.so.2";
    char long_path[4097];
    memset(long_path, 'a', sizeof long_path);
    long_path[4095] = '\0';
    long_path[4096] = '\0';
    ok(elf_check_interpreter(good, sizeof good) == NULL &&
           elf_check_interpreter(long_path, 4096) == NULL,
       "an interpreter's path is taken");
    ok(elf_check_interpreter(good, 0) != NULL && elf_check_interpreter("", 1) != NULL &&
           elf_check_interpreter(good, sizeof good - 1) != NULL &&
           elf_check_interpreter("/lib\0/x", 8) != NULL &&
           elf_check_interpreter(long_path, 4097) != NULL,
       "an empty, endless or interrupted path is not");
}

static void headers_end(void)
{
    struct file file = program();
    bool normal = elf_headers_end(file.bytes, 64) == header_at(HEADERS);
    put(&file, PHOFF, 0x123456789, 8);
    bool far = elf_headers_end(file.bytes, 64) == 0x123456789 + 56 * HEADERS;
    put(&file, PHOFF, UINT64_MAX - 56 * HEADERS + 1, 8);
    bool overflow = elf_headers_end(file.bytes, 64) == 0;
    put(&file, PHOFF, 0, 8);
    put(&file, PHNUM, 1, 2);
    bool low = elf_headers_end(file.bytes, 64) == 64;
    ok(normal && far && overflow && low && elf_headers_end(file.bytes, 63) == 0,
       "how much of the file is needed, without overflow");
}

/* 100,000 mutations: refused with words, or all that elf_parse.h promises. */
static void survives_noise(void)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     0xfff,
                                     0x1000,
                                     FILE_SIZE,
                                     UINT32_MAX,
                                     INT64_MAX,
                                     UINT64_MAX,
                                     0x7ffffffff000,
                                     UINT64_C(1) << 63,
                                     UINT64_MAX - 0xfff,
                                     0x2f00};
    struct file file = program();
    /* Only the headers are mutated and given; the rest of the file is never read. */
    file.size = header_at(HEADERS);
    uint8_t good[64 + 56 * HEADERS];
    memcpy(good, file.bytes, sizeof good);
    uint64_t seed = 64;
    bool kept = true;
    size_t taken = 0;
    for (int i = 0; i < 100000 && kept; i++) {
        memcpy(file.bytes, good, sizeof good);
        for (uint64_t edits = 1 + noise(&seed) % 4; edits != 0; edits--) {
            size_t offset = (noise(&seed) >> 20) % sizeof good;
            uint64_t random = noise(&seed);
            if (random % 2 == 0) {
                file.bytes[offset] = (uint8_t)(random >> 32);
            } else {
                uint64_t edge = edges[(random >> 8) % (sizeof edges / sizeof edges[0])];
                put(&file, offset / 8 * 8, edge, 8);
            }
        }
        struct elf_image image;
        const char *fault = parse(&file, &image);
        taken += fault == NULL;
        kept = fault == NULL ? keeps_its_promises(&image, file.file_size) : fault[0] != '\0';
    }
    printf("# %zu of 100000 were taken\n", taken);
    ok(kept && taken > 1000 && taken < 99000, "100000 mutated files are refused or read safely");
}
