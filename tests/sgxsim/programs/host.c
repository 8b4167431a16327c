// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "host.h"
#include <asm/sgx.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

__asm__(".globl enclave_call\n"
        "enclave_call:\n"
        "    push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rdi\n"
        "    mov %rsi, %rbx; mov %rdx, %rdi; mov %rcx, %rsi; mov %r8, %r12\n"
        "    lea enclave_aep(%rip), %rcx; mov $2, %eax\n"
        ".globl enclave_aep\nenclave_aep:\n"
        "    .byte 0x0f, 0x01, 0xd7\n"
        ".globl enclave_after\nenclave_after:\n"
        "    pop %rdi\n"
        "    mov %rax, (%rdi); mov %rdx, 8(%rdi); mov %rsi, 16(%rdi); mov %rcx, 24(%rdi)\n"
        "    mov %rdi, %rax\n"
        "    pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");

/* RSI, R9, R11, RDI, R10, RDX, RFLAGS, RAX as EEXIT leaves them, to RDX. */
__asm__(".globl enclave_registers\n"
        "enclave_registers:\n"
        "    push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rdx\n"
        "    mov %rdi, %rbx; mov %rsi, %rdi; lea enclave_aep(%rip), %rcx; mov $2, %eax\n"
        "    .byte 0x0f, 0x01, 0xd7\n"
        "    mov (%rsp), %rcx; mov %rsi, (%rcx); mov %r9, 8(%rcx); mov %r11, 16(%rcx)\n"
        "    mov %rdi, 24(%rcx); mov %r10, 32(%rcx); mov %rdx, 40(%rcx); pushfq; popq 48(%rcx)\n"
        "    mov %rax, 56(%rcx); pop %rdx\n"
        "    pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");

/* int vdso_call(function, rdi, rsi, run): C cannot say that all registers are changed. */
__asm__(".globl vdso_call\n"
        "vdso_call:\n"
        "    push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; sub $16, %rsp\n"
        "    push %rcx\n" /* the argument on the stack */
        "    mov %rdi, %rax; mov %rsi, %rdi; mov %rdx, %rsi; xor %edx, %edx; mov $2, %ecx\n"
        "    xor %r8d, %r8d; xor %r9d, %r9d; call *%rax\n"
        "    add $24, %rsp\n"
        "    pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");

void *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    struct stat status;
    fstat(fileno(file), &status);
    *size = (size_t)status.st_size;
    uint8_t *data = aligned_alloc(PAGE, (*size + PAGE - 1) & ~(PAGE - 1));
    if (fread(data, 1, *size, file) != *size)
        exit(2);
    fclose(file);
    return data;
}

static uint64_t reserve(size_t size)
{
    uint64_t at = (uint64_t)mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return (at + size - 1) & ~(size - 1);
}

static int add(int fd, const uint8_t *image, uint64_t offset, uint64_t length, uint64_t flags)
{
    struct {
        uint64_t flags;
        uint8_t reserved[56];
    } __attribute__((aligned(64))) secinfo = {.flags = flags};
    struct sgx_enclave_add_pages pages = {
        .src = (uint64_t)(image + offset),
        .offset = offset,
        .length = length,
        .secinfo = (uint64_t)&secinfo,
        .flags = SGX_PAGE_MEASURE,
    };
    if (ioctl(fd, SGX_IOC_ENCLAVE_ADD_PAGES, &pages) != 0 || pages.count != length)
        return -1;
    return 0;
}

uint64_t build_enclave(const uint8_t *image, size_t size, const uint8_t *sigstruct,
                       uint64_t attributes, const char **step, int *fd_out)
{
    static uint8_t secs[PAGE] __attribute__((aligned(4096)));
    int fd = open("/dev/sgx_enclave", O_RDWR | O_CLOEXEC);
    *step = "open";
    if (fd < 0)
        return 0;
    uint64_t base = reserve(ENCLAVE_SIZE);
    memset(secs, 0, sizeof secs);
    memcpy(secs, &(uint64_t){ENCLAVE_SIZE}, 8);
    memcpy(secs + 8, &base, 8);
    memcpy(secs + 16, &(uint32_t){1}, 4); /* SSAFRAMESIZE */
    memcpy(secs + 20, &(uint32_t){1}, 4); /* MISCSELECT.EXINFO */
    memcpy(secs + 48, &attributes, 8);
    memcpy(secs + 56, &(uint64_t){3}, 8); /* XFRM */
    struct sgx_enclave_create create = {.src = (uint64_t)secs};
    *step = "create";
    if (ioctl(fd, SGX_IOC_ENCLAVE_CREATE, &create) != 0)
        return 0;
    *step = "add";
    if (add(fd, image, 0, PAGE, 0x100) != 0 || add(fd, image, CODE_PAGE, PAGE, 0x205) != 0 ||
        add(fd, image, 2 * PAGE, SECOND_TCS - 2 * PAGE, 0x203) != 0 ||
        add(fd, image, SECOND_TCS, PAGE, 0x100) != 0 ||
        add(fd, image, SECOND_TCS + PAGE, size - SECOND_TCS - PAGE, 0x203) != 0)
        return 0;
    struct sgx_enclave_init init = {.sigstruct = (uint64_t)sigstruct};
    *step = "init";
    if (ioctl(fd, SGX_IOC_ENCLAVE_INIT, &init) != 0)
        return 0;
    *step = "map";
    int shared = MAP_SHARED | MAP_FIXED;
    if (mmap((void *)base, PAGE, PROT_READ | PROT_WRITE, shared, fd, 0) == MAP_FAILED ||
        mmap((void *)(base + CODE_PAGE), PAGE, PROT_READ | PROT_EXEC, shared, fd, 0) ==
            MAP_FAILED ||
        mmap((void *)(base + 2 * PAGE), size - 2 * PAGE, PROT_READ | PROT_WRITE, shared, fd, 0) ==
            MAP_FAILED)
        return 0;
    *step = "none";
    *fd_out = fd;
    return base;
}

void *find_vdso_enter(void)
{
    const uint8_t *base = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
    const Elf64_Ehdr *file = (const Elf64_Ehdr *)base;
    const Elf64_Phdr *segment = (const Elf64_Phdr *)(base + file->e_phoff);
    const Elf64_Sym *symbols = NULL;
    const char *names = NULL;
    const uint32_t *hash = NULL;
    for (int i = 0; i < file->e_phnum; i++) {
        if (segment[i].p_type != PT_DYNAMIC)
            continue;
        const Elf64_Dyn *entry = (const Elf64_Dyn *)(base + segment[i].p_offset);
        for (; entry->d_tag != DT_NULL; entry++) {
            if (entry->d_tag == DT_SYMTAB)
                symbols = (const Elf64_Sym *)(base + entry->d_un.d_ptr);
            if (entry->d_tag == DT_STRTAB)
                names = (const char *)(base + entry->d_un.d_ptr);
            if (entry->d_tag == DT_HASH)
                hash = (const uint32_t *)(base + entry->d_un.d_ptr);
        }
    }
    for (uint32_t i = 1; hash != NULL && i < hash[1]; i++)
        if (strcmp(names + symbols[i].st_name, "__vdso_sgx_enter_enclave") == 0)
            return (void *)(base + symbols[i].st_value);
    return NULL;
}

static int checks, failures;

void check(const char *name, int ok)
{
    printf("%s %d - %s\n", ok ? "ok" : "not ok", ++checks, name);
    fflush(stdout);
    failures += !ok;
}

int finish(void)
{
    printf("1..%d\n", checks);
    return failures != 0;
}

double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}
