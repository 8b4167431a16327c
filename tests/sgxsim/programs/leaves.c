// SPDX-License-Identifier: Apache-2.0
/* leaves IMAGE SIGSTRUCT: the checks of ENCLU's leaves and of the driver, one by one; prints TAP.
 */
#define _GNU_SOURCE
#include "host.h"
#include <asm/sgx.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { EREPORT = 0, EGETKEY = 1, EACCEPT = 5, EMODPE = 6, EACCEPTCOPY = 7, EDECCSSA = 9 };
enum { GP = 13, PF = 14, UD = 6 };
enum { ANY_LEAF = 17, PUT = 18 };
enum {
    R = 1,
    W = 2,
    X = 4,
    PENDING = 8,
    MODIFIED = 16,
    PR = 32,
    TCS = 0x100,
    REG = 0x200,
    TRIM = 0x400
};
#define MISMATCH 19
#define SECINFO 0x4000UL
#define FRESH 0xa000UL /* pages that nobody has added */

static uint64_t base;
static int device;
static void *enter_function;

static struct outcome {
    int vector; /* -1: no fault */
    unsigned error;
    uint64_t address, rax;
    int zf;
} last;

static void call(uint64_t operation, void *argument)
{
    struct sgx_enclave_run run = {.tcs = base};
    last = (struct outcome){.vector = -1};
    vdso_call(enter_function, operation, (uint64_t)argument, &run);
    if (run.function != 4) {
        last.vector = run.exception_vector;
        last.error = run.exception_error_code;
        last.address = run.exception_addr - base;
    }
}

/* The frame of an exception would stay in use: the next entry needs one. */
static void fresh_enclave(const uint8_t *image, size_t size, const uint8_t *sigstruct)
{
    const char *step;
    if (base != 0) {
        munmap((void *)base, ENCLAVE_SIZE);
        close(device);
    }
    base = build_enclave(image, size, sigstruct, 6, &step, &device);
    if (base == 0)
        printf("Bail out! %s: %s\n", step, strerror(errno));
    mmap((void *)(base + FRESH), ENCLAVE_SIZE - FRESH, R | W | X, MAP_SHARED | MAP_FIXED, device,
         0);
}

static void put_secinfo(uint64_t flags)
{
    uint64_t words[9] = {SECINFO, flags};
    call(PUT, words);
}

static void leaf(uint64_t rax, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
    uint64_t words[6] = {rax, base + rbx, base + rcx, base + rdx};
    call(ANY_LEAF, words);
    last.rax = words[4];
    last.zf = (words[5] & 0x40) != 0;
}

static const uint8_t *image, *sigstruct;
static size_t image_size;

static void expect_fault(const char *name, int vector, unsigned error, uint64_t address)
{
    int good =
        last.vector == vector && (vector != PF || (last.error == error && last.address == address));
    if (!good)
        printf("# vector %d, error 0x%x, offset 0x%lx, RAX %lu\n", last.vector, last.error,
               last.address, last.rax);
    check(name, good);
    fresh_enclave(image, image_size, sigstruct);
}

static void expect(const char *name, uint64_t rax)
{
    int good = last.vector == -1 && last.rax == rax && last.zf == (rax != 0);
    if (!good)
        printf("# vector %d, error 0x%x, RAX %lu, ZF %d\n", last.vector, last.error, last.rax,
               last.zf);
    check(name, good);
}

static void accept(void)
{
    put_secinfo(REG | R | W | PENDING);
    leaf(EACCEPT, SECINFO, FRESH, 0);
    expect("EACCEPT of a page that the touch adds (EAUG)", 0);
    leaf(EACCEPT, SECINFO, FRESH, 0);
    expect("  a second time it is not pending", MISMATCH);
    put_secinfo(REG | R | PENDING);
    leaf(EACCEPT, SECINFO, FRESH + 0x1000, 0);
    expect("EACCEPT with other permissions than EAUG's", MISMATCH);
    put_secinfo(TRIM | MODIFIED);
    leaf(EACCEPT, SECINFO, FRESH + 0x1000, 0);
    expect("EACCEPT with another type", MISMATCH);
    leaf(EACCEPT, SECINFO + 8, FRESH, 0);
    expect_fault("EACCEPT with an unaligned SECINFO is #GP", GP, 0, 0);
    put_secinfo(REG | R | W | PENDING);
    leaf(EACCEPT, SECINFO, FRESH + 8, 0);
    expect_fault("EACCEPT of an unaligned address is #GP", GP, 0, 0);
    put_secinfo(REG | R | W | PENDING);
    leaf(EACCEPT, SECINFO, ENCLAVE_SIZE, 0);
    expect_fault("EACCEPT outside ELRANGE is #GP", GP, 0, 0);
    put_secinfo(REG | R | W);
    leaf(EACCEPT, SECINFO, FRESH, 0);
    expect_fault("EACCEPT of nothing that could be open is #GP", GP, 0, 0);
    put_secinfo(TCS | PENDING);
    leaf(EACCEPT, SECINFO, FRESH, 0);
    expect_fault("EACCEPT of a pending TCS is #GP", GP, 0, 0);
    put_secinfo(REG | R | W | PENDING | 1UL << 20);
    leaf(EACCEPT, SECINFO, FRESH, 0);
    expect_fault("EACCEPT with a reserved bit is #GP", GP, 0, 0);
    leaf(EACCEPT, 0, FRESH, 0);
    expect_fault("EACCEPT with a SECINFO in a TCS is #PF there", PF, 0x8005, 0);
    munmap((void *)(base + FRESH), 0x1000);
    put_secinfo(REG | R | W | PENDING);
    leaf(EACCEPT, SECINFO, FRESH, 0);
    expect_fault("EACCEPT where the host has mapped nothing is #PF, not present", PF, 4, FRESH);
}

static void extend(void)
{
    put_secinfo(REG | R | W | PENDING);
    leaf(EACCEPT, SECINFO, FRESH, 0);
    put_secinfo(X);
    leaf(EMODPE, SECINFO, FRESH, 0);
    check("EMODPE", last.vector == -1);
    put_secinfo(REG | R | W | X | PENDING);
    leaf(EACCEPT, SECINFO, FRESH, 0);
    expect("  EACCEPT sees the page is not pending", MISMATCH);
    struct sgx_enclave_restrict_permissions less = {
        .offset = FRESH, .length = 0x1000, .permissions = R};
    check("RESTRICT_PERMISSIONS",
          ioctl(device, SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS, &less) == 0 && less.count == 0x1000);
    put_secinfo(REG | R | PR);
    leaf(EACCEPT, SECINFO, FRESH, 0);
    expect("  EACCEPT of the restriction", 0);
    put_secinfo(R);
    leaf(EMODPE, SECINFO, 0, 0);
    expect_fault("EMODPE of a TCS is #PF", PF, 0x8007, 0);
    put_secinfo(R);
    leaf(EMODPE, SECINFO, FRESH, 0);
    expect_fault("EMODPE of a pending page is #PF", PF, 0x8007, FRESH);
    leaf(EMODPE, SECINFO + 1, FRESH, 0);
    expect_fault("EMODPE with an unaligned SECINFO is #GP", GP, 0, 0);
}

static void accept_copy(void)
{
    put_secinfo(REG | R | X);
    leaf(EACCEPTCOPY, SECINFO, FRESH, 0x1000);
    expect("EACCEPTCOPY of code into a new page", 0);
    check("  the content is the source's",
          memcmp((void *)(base + FRESH), (void *)(base + 0x1000), 4096) == 0);
    leaf(EACCEPTCOPY, SECINFO, FRESH, 0x1000);
    expect("  a second time it is not pending", MISMATCH);
    leaf(EACCEPTCOPY, SECINFO, FRESH + 0x1000, 0);
    expect_fault("EACCEPTCOPY from a TCS is #PF", PF, 0x8005, 0);
    put_secinfo(REG | W);
    leaf(EACCEPTCOPY, SECINFO, FRESH, 0x1000);
    expect_fault("EACCEPTCOPY with W and without R is #GP", GP, 0, 0);
    put_secinfo(TCS);
    leaf(EACCEPTCOPY, SECINFO, FRESH, 0x1000);
    expect_fault("EACCEPTCOPY of another type is #GP", GP, 0, 0);
}

static void make_tcs(void)
{
    struct sgx_enclave_modify_types types = {
        .offset = FRESH, .length = 0x1000, .page_type = TCS >> 8};
    put_secinfo(REG | R | W | PENDING);
    leaf(EACCEPT, SECINFO, FRESH, 0);
    uint64_t control[9] = {FRESH, 0, 0, 0x2000, 2UL << 32, 0x1000, 0, 0x6000, 0x6000};
    call(PUT, control);
    check("MODIFY_TYPES to TCS", ioctl(device, SGX_IOC_ENCLAVE_MODIFY_TYPES, &types) == 0);
    put_secinfo(TCS | MODIFIED);
    leaf(EACCEPT, SECINFO, FRESH, 0);
    expect("EACCEPT of the TCS", 0);
    uint64_t first = base;
    check("EENTER through it", enclave_call(first + FRESH, 1, 0, NULL).rdx == 0xfeedface);
    types = (struct sgx_enclave_modify_types){
        .offset = FRESH + 0x1000, .length = 0x1000, .page_type = TCS >> 8};
    put_secinfo(REG | R | W | PENDING);
    leaf(EACCEPT, SECINFO, FRESH + 0x1000, 0);
    ioctl(device, SGX_IOC_ENCLAVE_MODIFY_TYPES, &types);
    put_secinfo(TCS | MODIFIED);
    leaf(EACCEPT, SECINFO, FRESH + 0x1000, 0);
    expect_fault("EACCEPT of a TCS without a frame is #GP", GP, 0, 0);
}

static void reports(void)
{
    leaf(EREPORT, 0x4000, 0x4200, 0x4400);
    check("EREPORT", last.vector == -1);
    leaf(EREPORT, 0x4000, 0x4200, 0x1000);
    expect_fault("EREPORT into a code page is #PF", PF, 0x8007, 0x1000);
    leaf(EREPORT, 0x4000, 0x4240, 0x4400);
    expect_fault("EREPORT of unaligned data is #GP", GP, 0, 0);
    leaf(EREPORT, ENCLAVE_SIZE, 0x4200, 0x4400);
    expect_fault("EREPORT for a target outside ELRANGE is #GP", GP, 0, 0);
    leaf(EGETKEY, 0x4000, 0x1000, 0);
    expect_fault("EGETKEY into a code page is #PF", PF, 0x8007, 0x1000);
    leaf(EGETKEY, 0x4100, 0x4200, 0);
    expect_fault("EGETKEY of an unaligned request is #GP", GP, 0, 0);
    leaf(EDECCSSA, 0, 0, 0);
    expect_fault("EDECCSSA, of AEX-Notify, is #GP: there is none", GP, 0, 0);
    leaf(2, 0, 0, 0);
    expect_fault("EENTER inside is #GP", GP, 0, 0);
    leaf(3, 0, 0, 0);
    expect_fault("ERESUME inside is #GP", GP, 0, 0);
}

static void illegal(void)
{
    static const struct {
        const char *name;
        uint64_t operation;
    } cases[] = {{"INT 0x80 inside is #UD", 19},
                 {"IN inside is #UD", 20},
                 {"INT 5 inside is #UD", 21},
                 {"RDPMC inside is #UD", 22}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        call(cases[i].operation, NULL);
        expect_fault(cases[i].name, UD, 0, 0);
    }
}

static void frames(void)
{
    struct sgx_enclave_run run = {.tcs = base};
    mprotect((void *)(base + 0x2000), 0x1000, PROT_READ);
    call(0, NULL);
    check("EENTER without a writable SSA frame is #PF at the frame",
          last.vector == PF && last.error == 0x8007 && last.address == 0x2000);
    run.tcs = base + 0x7000;
    vdso_call(enter_function, 0, 0, &run);
    check("  through another TCS it goes on", run.function == 4);
    mprotect((void *)(base + 0x2000), 0x1000, PROT_READ | PROT_WRITE);
    call(0, NULL);
    check("  and again when the frame is there", last.vector == -1);
    munmap((void *)base, 0x1000);
    call(0, NULL);
    check("EENTER of a TCS that is not mapped is #PF, not present",
          last.vector == PF && last.error == 4 && last.address == 0);
    fresh_enclave(image, image_size, sigstruct);
}

/* EEXIT changes RIP, RAX and RCX, and no flag. */
static void registers(void)
{
    uint64_t saw[8];
    enclave_call(base, 24, 0, NULL);
    enclave_registers(base, 24, saw);
    check("EEXIT passes the registers on", saw[0] == 1 && saw[1] == 2 && saw[2] == 3 &&
                                               saw[3] == 4 && saw[4] == 5 && saw[5] == 0x80000000);
    check("  and the flags: CF, PF, AF, SF, OF, not ZF", (saw[6] & 0x8d5) == 0x895);
    check("  RAX is 4", saw[7] == 4);
}

static int create_with(uint64_t attributes, uint64_t xfrm, uint32_t frames, uint32_t misc)
{
    static uint8_t secs[0x1000] __attribute__((aligned(4096)));
    int fd = open("/dev/sgx_enclave", O_RDWR);
    uint64_t words[3] = {ENCLAVE_SIZE, 0x7000000UL << 16, (uint64_t)misc << 32 | frames};
    memset(secs, 0, sizeof secs);
    memcpy(secs, words, sizeof words);
    memcpy(secs + 48, (uint64_t[]){attributes, xfrm}, 16);
    struct sgx_enclave_create create = {.src = (uint64_t)secs};
    int result = ioctl(fd, SGX_IOC_ENCLAVE_CREATE, &create) == 0 ? 0 : errno;
    close(fd);
    return result;
}

static void creation(void)
{
    check("ECREATE", create_with(6, 3, 1, 1) == 0);
    check("ECREATE with AEX-Notify is EIO", create_with(6 | 1 << 10, 3, 1, 0) == EIO);
    check("ECREATE with CET is EIO", create_with(6 | 1 << 6, 3, 1, 0) == EIO);
    check("ECREATE with INIT is EIO", create_with(7, 3, 1, 0) == EIO);
    check("ECREATE without SSE in XFRM is EIO", create_with(6, 1, 1, 0) == EIO);
    check("ECREATE with what XCR0 has not is EIO", create_with(6, 3 | 1UL << 62, 1, 0) == EIO);
    check("ECREATE without an SSA frame is EIO", create_with(6, 3, 0, 0) == EIO);
    check("ECREATE with an unknown MISCSELECT is EIO", create_with(6, 3, 1, 2) == EIO);
}

static void mapping_rules(void)
{
    check("a private mapping of the device is EINVAL",
          mmap((void *)base, 0x1000, R, MAP_PRIVATE | MAP_FIXED, device, 0) == MAP_FAILED &&
              errno == EINVAL);
    check("a mapping outside ELRANGE is EACCES",
          mmap((void *)(base + ENCLAVE_SIZE), 0x1000, R, MAP_SHARED | MAP_FIXED_NOREPLACE, device,
               0) == MAP_FAILED &&
              errno == EACCES);
    check("a mapping with more than SECINFO allowed is EACCES",
          mmap((void *)(base + 0x1000), 0x1000, R | W, MAP_SHARED | MAP_FIXED, device, 0) ==
                  MAP_FAILED &&
              errno == EACCES);
    check("a mapping of /dev/sgx_provision is ENODEV", ({
              int provision = open("/dev/sgx_provision", O_RDWR);
              void *at = mmap(NULL, 0x1000, R, MAP_SHARED, provision, 0);
              int error = errno;
              close(provision);
              at == MAP_FAILED &&error == ENODEV;
          }));
}

int main(int argc, char **argv)
{
    size_t size;
    if (argc < 3)
        return 2;
    image = read_file(argv[1], &image_size);
    sigstruct = read_file(argv[2], &size);
    enter_function = find_vdso_enter();
    fresh_enclave(image, image_size, sigstruct);
    accept();
    extend();
    accept_copy();
    make_tcs();
    reports();
    illegal();
    frames();
    registers();
    creation();
    mapping_rules();
    return finish();
}
