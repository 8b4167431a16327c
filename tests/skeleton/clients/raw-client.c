// SPDX-License-Identifier: Apache-2.0
/*
 * Starts a skeleton enclave with nothing but system calls. Every structure and number is typed from
 * the published description of the format, none from this project's headers: whoever changes a
 * layout there breaks this program.
 *
 *   raw-client [--noted] [--debug] ENCL.BIN ENCL.SS [PAL]
 *
 * With a PAL of version 3 the running enclave is handed over to it, as a pool of enclaves does.
 * --noted adds pages with the permissions of the image's page note, as SWDEFINED 1 says; otherwise
 * everything but the TCS is readable, writable and executable. Prints one line a result.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define CREATE 0x4008A400ul
#define ADD_PAGES 0xC030A401ul
#define INIT 0x4008A402ul

static uint8_t *image, *sigstruct;
static uint64_t image_size, offset, mapped, range, base;
static int device, noted;

static _Noreturn void stop(const char *step, int result)
{
    if (result > 0)
        printf("%s: SGX error %d\n", step, result);
    else
        printf("%s: %s\n", step, strerror(errno));
    exit(1);
}

static uint8_t *read_file(const char *path, uint64_t *size)
{
    int file = open(path, O_RDONLY);
    if (file < 0)
        stop(path, -1);
    *size = (uint64_t)lseek(file, 0, SEEK_END);
    uint64_t room = (*size + 4095) / 4096 * 4096;
    uint8_t *bytes = mmap(NULL, room, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pread(file, bytes, *size, 0) != (ssize_t)*size)
        stop(path, -1);
    close(file);
    return bytes;
}

static uint64_t at(const uint8_t *bytes, uint64_t where)
{
    uint64_t value;
    memcpy(&value, bytes + where, 8);
    return value;
}

/* The image's metadata: 17 bytes at the start of its last page. */
static void place(void)
{
    const uint8_t *metadata = image + image_size - 4096;
    mapped = image_size + 4096; /* XFRM 3: one SSA page */
    if (at(metadata, 0) != 0)
        mapped = (at(metadata, 0) + 4095) / 4096 * 4096;
    if (metadata[8])
        offset = at(metadata, 9) ? at(metadata, 9) : 16 << 20;
    for (range = 4096; range < offset + mapped; range *= 2)
        ;
    if (offset != 0) {
        base = 0;
        if (mmap((void *)offset, mapped, 0, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
                 0) != (void *)offset)
            stop("mmap", -1);
        return;
    }
    uint8_t *area = mmap(NULL, 2 * range, 0, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    base = ((uint64_t)area + range - 1) / range * range;
}

static void create(int debug)
{
    static _Alignas(4096) uint8_t secs[4096];
    uint64_t attributes = at(sigstruct, 928) | (debug ? 2 : 0);
    uint32_t ssa_pages = 1;
    memcpy(secs + 0, &range, 8);
    memcpy(secs + 8, &base, 8);
    memcpy(secs + 16, &ssa_pages, 4);
    memcpy(secs + 20, sigstruct + 900, 4);
    memcpy(secs + 48, &attributes, 8);
    memcpy(secs + 56, sigstruct + 936, 8);
    uint64_t argument = (uint64_t)secs;
    int result = ioctl(device, CREATE, &argument);
    if (result != 0)
        stop("ECREATE", result);
}

static void add(const uint8_t *source, uint64_t where, uint64_t size, uint64_t flags)
{
    static _Alignas(64) uint8_t secinfo[64];
    memcpy(secinfo, &flags, 8);
    uint64_t argument[6] = {(uint64_t)source, offset + where, size, (uint64_t)secinfo, 1, 0};
    int result = ioctl(device, ADD_PAGES, argument);
    if (result != 0 || argument[5] != size)
        stop("EADD", result);
}

static uint64_t flags_of(uint64_t where)
{
    const uint8_t *note = image + image_size - 4096 - 64;
    if (!noted)
        return 0x207;
    if (where >= image_size)
        return 0x203;
    if (where >= at(note, 16) && where < at(note, 24))
        return 0x205;
    return where >= at(note, 32) && where < at(note, 40) ? 0x203 : 0x201;
}

static void add_all(void)
{
    static _Alignas(4096) uint8_t zero[4096];
    uint64_t ossa = offset + image_size, oentry = at(image, 32) + offset;
    memcpy(image + 16, &ossa, 8);
    memcpy(image + 32, &oentry, 8);
    add(image, 0, 4096, 0x100);
    for (uint64_t where = 4096; where < mapped; where += 4096)
        add(where < image_size ? image + where : zero, where, 4096, flags_of(where));
}

static void init(void)
{
    uint64_t argument = (uint64_t)sigstruct;
    int result = ioctl(device, INIT, &argument);
    if (result != 0)
        stop("EINIT", result);
}

static void map_all(void)
{
    for (uint64_t where = 0; where < mapped; where += 4096) {
        int permissions = where == 0 ? 3 : (int)(flags_of(where) & 7);
        if (mmap((void *)(base + offset + where), 4096, permissions, MAP_SHARED | MAP_FIXED, device,
                 0) == MAP_FAILED)
            stop("mmap", -1);
    }
}

/* R10 number, R11 and RBX the TCS, RDI RSI RDX arguments, result in RDX. */
static int64_t ecall(uint64_t number, const void *a, const void *b, const void *c)
{
    register uint64_t r10 __asm__("r10") = number;
    register uint64_t r11 __asm__("r11") = base + offset;
    uint64_t rax = 2, rbx = base + offset, rdi = (uint64_t)a, rsi = (uint64_t)b, rdx = (uint64_t)c;
    __asm__ volatile("lea 1f(%%rip), %%rcx\n1: .byte 0x0f, 0x01, 0xd7"
                     : "+a"(rax), "+b"(rbx), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r10), "+r"(r11)
                     :
                     : "rcx", "r8", "r9", "r12", "r13", "r14", "r15", "memory", "cc");
    printf("scrubbed %d\n", rdi == 0 && rsi == 0 && r10 == 0 && r11 == 0);
    return (int64_t)rdx;
}

static void print_report(const uint8_t *report)
{
    printf("report ");
    for (int i = 0; i < 432; i++)
        printf("%02x", report[i]);
    printf("\n");
}

static int hand_over(const char *pal)
{
    struct {
        const char *arguments, *level;
        int descriptor;
        uint64_t address;
    } attributes = {"", "info", device, base + offset};
    _Alignas(512) static uint8_t target[512], report[432];
    int length = sizeof(report);
    void *library = dlopen(pal, RTLD_NOW);
    int (*pal_init)(void *) = dlsym(library, "pal_init");
    int (*pal_get_local_report)(void *, int, void *, int *) =
        dlsym(library, "pal_get_local_report");
    int (*pal_destroy)(void) = dlsym(library, "pal_destroy");
    printf("init %d\n", pal_init(&attributes));
    printf("report %d\n", pal_get_local_report(target, 512, report, &length));
    print_report(report);
    printf("destroy %d\n", pal_destroy());
    printf("descriptor %s\n", fcntl(device, F_GETFD) < 0 ? "closed" : "open");
    return 0;
}

int main(int argc, char **argv)
{
    int debug = 0;
    while (argc > 1 && argv[1][0] == '-') {
        noted |= strcmp(argv[1], "--noted") == 0;
        debug |= strcmp(argv[1], "--debug") == 0;
        argc--, argv++;
    }
    if (argc != 3 && argc != 4)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    uint64_t sigstruct_size;
    image = read_file(argv[1], &image_size);
    image_size = (image_size + 4095) / 4096 * 4096;
    sigstruct = read_file(argv[2], &sigstruct_size);
    device = open("/dev/sgx_enclave", O_RDWR);
    if (device < 0)
        stop("open", -1);
    place();
    create(debug);
    add_all();
    init();
    map_all();
    if (argc == 4)
        return hand_over(argv[3]);

    char greeting[64] = "";
    printf("hello %lld\n", (long long)ecall(0, greeting, NULL, NULL));
    printf("greeting %s\n", greeting);
    static _Alignas(512) uint8_t target[512], report[512], data[64];
    memset(data, 0xd7, sizeof(data));
    printf("report %lld\n", (long long)ecall(1, target, data, report));
    print_report(report);

    /* What the enclave must refuse. */
    const uint8_t *inside = (const uint8_t *)(base + offset);
    printf("unknown ecall %lld\n", (long long)ecall(2, greeting, NULL, NULL));
    printf("huge ecall %lld\n", (long long)ecall(UINT64_MAX, greeting, NULL, NULL));
    printf("null %lld\n", (long long)ecall(0, NULL, NULL, NULL));
    printf("into code %lld\n", (long long)ecall(0, inside + 4096, NULL, NULL));
    printf("into data %lld\n", (long long)ecall(0, inside + image_size - 8192, NULL, NULL));
    printf("into ssa %lld\n", (long long)ecall(0, inside + image_size, NULL, NULL));
    printf("across start %lld\n", (long long)ecall(0, (uint8_t *)base - 27, NULL, NULL));
    printf("last byte %lld\n", (long long)ecall(0, (uint8_t *)base + range - 1, NULL, NULL));
    printf("wrapping %lld\n", (long long)ecall(0, (uint8_t *)-8l, NULL, NULL));
    printf("report from inside %lld\n", (long long)ecall(1, inside + 4096, data, report));
    printf("data from inside %lld\n", (long long)ecall(1, target, inside + 8192, report));
    printf("report into code %lld\n", (long long)ecall(1, target, data, inside + 4096));
    return 0;
}
