// SPDX-License-Identifier: Apache-2.0
/* legacy IMAGE SIGSTRUCT TOKEN|-: builds the enclave by way of the out-of-tree driver's /dev/isgx,
 * with a launch token or zeros, and calls it once. Prints the step that failed, its result and
 * errno, or "launched". */
#include "host.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

struct __attribute__((packed)) create {
    uint64_t secs;
};
struct __attribute__((packed)) add_page {
    uint64_t address, source, secinfo;
    uint16_t measured;
};
struct __attribute__((packed)) init {
    uint64_t address, sigstruct, token;
};

static int failed(const char *step, int result)
{
    printf("%s: %d errno %d\n", step, result, result < 0 ? errno : 0);
    return 1;
}

int main(int argc, char **argv)
{
    static uint8_t secs[PAGE] __attribute__((aligned(4096)));
    static uint8_t secinfo[64] __attribute__((aligned(64)));
    static uint8_t no_token[304];
    size_t size, sigstruct_size, token_size;
    if (argc < 4)
        return 2;
    uint8_t *image = read_file(argv[1], &size);
    uint8_t *sigstruct = read_file(argv[2], &sigstruct_size);
    uint8_t *token = strcmp(argv[3], "-") == 0 ? no_token : read_file(argv[3], &token_size);
    int fd = open("/dev/isgx", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return failed("open", fd);
    uint8_t *base = mmap(NULL, ENCLAVE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED || ((uint64_t)base & (ENCLAVE_SIZE - 1)) != 0)
        return failed("map", -1);
    memcpy(secs, &(uint64_t){ENCLAVE_SIZE}, 8);
    memcpy(secs + 8, &base, 8);
    memcpy(secs + 16, &(uint32_t){1}, 4); /* SSAFRAMESIZE */
    memcpy(secs + 20, &(uint32_t){1}, 4); /* MISCSELECT.EXINFO */
    memcpy(secs + 48, &(uint64_t){4}, 8); /* MODE64BIT, as it was signed and as the token says */
    memcpy(secs + 56, &(uint64_t){3}, 8);
    struct create create = {(uint64_t)secs};
    int result = ioctl(fd, _IOW(0xa4, 0, struct create), &create);
    if (result != 0)
        return failed("create", result);
    for (uint64_t at = 0; at < size; at += PAGE) {
        uint64_t flags = at == 0 || at == SECOND_TCS ? 0x100 : at == CODE_PAGE ? 0x205 : 0x203;
        memcpy(secinfo, &flags, 8);
        struct add_page add = {(uint64_t)base + at, (uint64_t)image + at, (uint64_t)secinfo,
                               0xffff};
        result = ioctl(fd, _IOW(0xa4, 1, struct add_page), &add);
        if (result != 0)
            return failed("add", result);
    }
    struct init init = {(uint64_t)base, (uint64_t)sigstruct, (uint64_t)token};
    result = ioctl(fd, _IOW(0xa4, 2, struct init), &init);
    if (result != 0)
        return failed("init", result);
    struct result answer = enclave_call((uint64_t)base, 1, 0, NULL);
    puts(answer.rdx == 0xfeedface ? "launched" : "launched, but its answer is wrong");
    return 0;
}
