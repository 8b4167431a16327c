// SPDX-License-Identifier: Apache-2.0
/* A small position-independent program for the tests to spoil, and how to hand it to the reader. */
#ifndef SGXSIM_CRYPTO_TESTS_ELF_FILE_H
#define SGXSIM_CRYPTO_TESTS_ELF_FILE_H

#include "../elf_parse.h"
#include "tap.h"

/* Typed from the ELF specification, not from the reader. */
#define TYPE 16
#define MACHINE 18
#define ENTRY 24
#define PHOFF 32
#define PHENTSIZE 54
#define PHNUM 56
#define P_TYPE 0
#define P_FLAGS 4
#define P_OFFSET 8
#define P_VADDR 16
#define P_FILESZ 32
#define P_MEMSZ 40
#define P_ALIGN 48
#define LOAD 1
#define INTERP 3
#define GNU_STACK 0x6474e551

#define FILE_SIZE 0x4000
#define HEADERS 4

struct file {
    uint8_t bytes[FILE_SIZE];
    size_t size;        /* how much of it the reader gets */
    uint64_t file_size; /* how large it is said to be */
};

static inline void put(struct file *file, size_t offset, uint64_t value, size_t size)
{
    memcpy(file->bytes + offset, &value, size);
}

static inline size_t header_at(unsigned index)
{
    return 64 + 56 * (size_t)index;
}

static inline void put_header(struct file *file, unsigned index, uint32_t type, uint32_t flags,
                              uint64_t offset, uint64_t address, uint64_t file_size,
                              uint64_t memory_size)
{
    size_t at = header_at(index);
    put(file, at + P_TYPE, type, 4);
    put(file, at + P_FLAGS, flags, 4);
    put(file, at + P_OFFSET, offset, 8);
    put(file, at + P_VADDR, address, 8);
    put(file, at + P_FILESZ, file_size, 8);
    put(file, at + P_MEMSZ, memory_size, 8);
    put(file, at + P_ALIGN, 0x1000, 8);
}

static inline struct file program(void)
{
    struct file file = {.size = FILE_SIZE, .file_size = FILE_SIZE};
    from_hex(file.bytes, 16, "7f454c46 02010100");
    put(&file, TYPE, 3, 2);
    put(&file, MACHINE, 62, 2);
    put(&file, ENTRY, 0x1010, 8);
    put(&file, PHOFF, 64, 8);
    put(&file, PHENTSIZE, 56, 2);
    put(&file, PHNUM, HEADERS, 2);
    put_header(&file, 0, INTERP, 4, 0x200, 0x200, 28, 28);
    put_header(&file, 1, LOAD, 5, 0, 0, 0x1800, 0x1800);
    put_header(&file, 2, LOAD, 6, 0x1f00, 0x2f00, 0x300, 0x2345);
    put_header(&file, 3, GNU_STACK, 6, 0, 0, 0, 0);
    return file;
}

static inline const char *parse(const struct file *file, struct elf_image *image)
{
    /* In memory of its own exact size, so that the sanitizer sees any read beyond it. */
    uint8_t *copy = malloc(file->size == 0 ? 1 : file->size);
    memcpy(copy, file->bytes, file->size);
    const char *fault = elf_parse(copy, file->size, file->file_size, image);
    free(copy);
    return fault;
}

#endif
