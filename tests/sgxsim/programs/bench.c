// SPDX-License-Identifier: Apache-2.0
/* bench IMAGE SIGSTRUCT: what the platform costs, one figure a line. Needs a few seconds. */
#define _GNU_SOURCE
#include "host.h"
#include <asm/sgx.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MIB (1024.0 * 1024)
#define ADDED (64UL << 20)

static void figure(const char *name, double value, const char *unit)
{
    printf("%-44s %9.3f %s\n", name, value, unit);
}

static double calls(uint64_t tcs, int count)
{
    double start = now();
    for (int i = 0; i < count; i++)
        enclave_call(tcs, 0, 0, NULL);
    return (now() - start) / count * 1e6;
}

static double vdso_calls(uint64_t tcs, int count)
{
    struct sgx_enclave_run run = {.tcs = tcs};
    void *function = find_vdso_enter();
    double start = now();
    for (int i = 0; i < count; i++)
        if (vdso_call(function, 0, 0, &run) != 0)
            exit(1);
    return (now() - start) / count * 1e6;
}

/* Time to add ADDED bytes to a new enclave, in ms a MiB. */
static double add_pages(int measured)
{
    static uint8_t secs[PAGE] __attribute__((aligned(4096)));
    struct {
        uint64_t flags;
        uint8_t reserved[56];
    } __attribute__((aligned(64))) secinfo = {.flags = 0x203};
    uint64_t size = 2 * ADDED, attributes = 4, xfrm = 3;
    uint8_t *area = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t base = ((uint64_t)area + size - 1) & ~(size - 1);
    uint8_t *source = mmap(NULL, ADDED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(source, 0x5a, ADDED);
    memcpy(secs, &size, 8);
    memcpy(secs + 8, &base, 8);
    memcpy(secs + 16, &(uint32_t){1}, 4);
    memcpy(secs + 48, &attributes, 8);
    memcpy(secs + 56, &xfrm, 8);
    int fd = open("/dev/sgx_enclave", O_RDWR);
    struct sgx_enclave_create create = {.src = (uint64_t)secs};
    struct sgx_enclave_add_pages pages = {.src = (uint64_t)source,
                                          .length = ADDED,
                                          .secinfo = (uint64_t)&secinfo,
                                          .flags = measured ? SGX_PAGE_MEASURE : 0};
    if (fd < 0 || ioctl(fd, SGX_IOC_ENCLAVE_CREATE, &create) != 0)
        exit(1);
    double start = now();
    if (ioctl(fd, SGX_IOC_ENCLAVE_ADD_PAGES, &pages) != 0)
        exit(1);
    double elapsed = now() - start;
    close(fd);
    munmap(source, ADDED);
    return elapsed * 1e3 / ((double)ADDED / MIB);
}

static double repeated(int count, long number, long a, long b, long c)
{
    double start = now();
    for (int i = 0; i < count; i++)
        syscall(number, a, b, c);
    return (now() - start) / count * 1e6;
}

int main(int argc, char **argv)
{
    size_t size, sigstruct_size;
    const char *step;
    int fd;
    uint8_t *image = read_file(argv[1], &size);
    uint8_t *sigstruct = read_file(argv[argc > 2 ? 2 : 1], &sigstruct_size);
    figure("getppid, not trapped", repeated(200000, SYS_getppid, 0, 0, 0), "us");
    figure("mprotect, trapped and repeated",
           repeated(50000, SYS_mprotect, (long)image & ~4095L, 4096, 3), "us");
    uint64_t base = build_enclave(image, size, sigstruct, 6, &step, &fd);
    if (base == 0)
        return 1;
    calls(base, 1000);
    figure("EENTER and EEXIT, both trapped", calls(base, 50000), "us");
    figure("EENTER through the vDSO, EEXIT trapped", vdso_calls(base, 50000), "us");
    figure("getppid, syscall user dispatch on", repeated(200000, SYS_getppid, 0, 0, 0), "us");
    figure("EADD", add_pages(0), "ms/MiB");
    figure("EADD and EEXTEND", add_pages(1), "ms/MiB");
    return 0;
}
