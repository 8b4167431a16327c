// SPDX-License-Identifier: Apache-2.0
/*
 * The part of an x86-64 ELF file that a loader needs, checked so that the loader need not check
 * again. The file is hostile: whoever is in the container wrote it.
 */
#ifndef SGXSIM_CRYPTO_ELF_PARSE_H
#define SGXSIM_CRYPTO_ELF_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_PAGE UINT64_C(4096)
#define ELF_SEGMENTS_MAX 32
/* What execve reads of program headers, too (fs/binfmt_elf.c, load_elf_phdrs). */
#define ELF_HEADERS_MAX 65536u
#define ELF_INTERPRETER_MAX 4096u
/* The end of user space with four page table levels, less the guard page (TASK_SIZE_MAX). */
#define ELF_ADDRESS_END (UINT64_C(0x800000000000) - ELF_PAGE)

#define ELF_EXECUTE 1u
#define ELF_WRITE 2u
#define ELF_READ 4u

/*
 * A PT_LOAD with memory. `address` and `offset` are congruent modulo ELF_PAGE, file_size <=
 * memory_size, and neither range overflows or leaves the file or user space. Without bytes in the
 * file, `offset` only says where in its page the segment starts.
 */
struct elf_segment {
    uint64_t offset;
    uint64_t address;
    uint64_t file_size;
    uint64_t memory_size;
    uint64_t alignment; /* a power of two, at least ELF_PAGE */
    uint32_t flags;     /* ELF_READ | ELF_WRITE | ELF_EXECUTE */
};

/* What PT_GNU_STACK asks for. */
enum elf_stack {
    ELF_STACK_UNSAID,
    ELF_STACK_EXECUTABLE,
    ELF_STACK_PLAIN,
};

struct elf_image {
    bool relocatable; /* ET_DYN: every address below is relative to a base of the loader's choice */
    uint64_t entry;   /* inside a segment */
    /* All segments in whole pages: [low, high). */
    uint64_t low;
    uint64_t high;
    uint64_t alignment; /* the largest of the segments' */
    /* Where the program headers are in memory, for AT_PHDR, if a segment contains them. */
    bool headers_mapped;
    uint64_t headers_address;
    uint16_t headers_count;
    /* PT_INTERP: where in the file the path is, NUL included; size 0 without one. */
    uint64_t interpreter_offset;
    uint32_t interpreter_size;
    enum elf_stack stack;
    /* Ascending; no two share a page. At least one. */
    uint32_t segment_count;
    struct elf_segment segments[ELF_SEGMENTS_MAX];
};

/*
 * Reads the headers of a file of `file_size` bytes, of which the first `size` are at `bytes`; the
 * program headers must be among them (see elf_headers_end). Returns NULL, or what is wrong as a
 * constant string; `image` is then unspecified.
 */
const char *elf_parse(const void *bytes, size_t size, uint64_t file_size, struct elf_image *image);

/*
 * How many bytes from the file's start elf_parse needs, given at least the first 64, for a caller
 * that does not map the whole file; 0 when the file header is refused. Not checked against the
 * file's size.
 */
uint64_t elf_headers_end(const void *bytes, size_t size);

/*
 * Checks the `size` bytes that PT_INTERP points at: a non-empty path, NUL at the end and nowhere
 * else. Returns NULL or what is wrong.
 */
const char *elf_check_interpreter(const char *path, size_t size);

#endif
