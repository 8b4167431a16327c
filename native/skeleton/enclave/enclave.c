// SPDX-License-Identifier: Apache-2.0
/*
 * The sample enclave: it greets, and it makes reports. One thread control structure, no calls out.
 *
 * Ecalls: 0 hello(destination, 28 bytes), 1 report(TARGETINFO, 64 bytes of report data, REPORT).
 * The result is 0 or a negated errno number.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ECALL_HELLO = 0, ECALL_REPORT = 1 };
enum { FAULT = -14, INVALID = -22 };
enum { PAGE = 4096, GUARD_AREA = 16 << 20 };
enum { TARGETINFO_SIZE = 512, REPORT_DATA_SIZE = 64, REPORT_SIZE = 432, REPORT_XFRM = 56 };

/* XFRM features with a known place in the SSA; only AMX tile data makes a frame longer than a page.
 */
#define XFRM_KNOWN UINT64_C(0x602ff)
#define XFRM_TILEDATA UINT64_C(0x40000)
enum { FRAME_PAGES = 1, FRAME_PAGES_TILEDATA = 3, FRAME_PAGES_MOST = 16 };

struct metadata {
    uint64_t max_mmap_size;
    uint8_t null_deref_protection;
    uint64_t mmap_min_addr;
} __attribute__((packed));

/* Addresses from the linker script and entry.S; hidden, so that RIP-relative code reaches them. */
#pragma GCC visibility push(hidden)
extern const uint8_t encl_tcs[];
extern const uint8_t encl_image_end[];
extern const struct metadata encl_metadata;
uint64_t encl_call(uint64_t first, uint64_t second, uint64_t third, uint64_t number);
#pragma GCC visibility pop

/* The addresses the processor takes for the enclave's: SECS.BASEADDR and the byte behind. */
static uint64_t range_start, range_end;

/* EREPORT's operands; it wants them aligned. There is one TCS, hence one caller at a time. */
static _Alignas(512) uint8_t targetinfo[TARGETINFO_SIZE];
static _Alignas(128) uint8_t report_data[REPORT_DATA_SIZE];
static _Alignas(512) uint8_t report[REPORT_SIZE];

static const char greeting[] = "Hello Inclavare Containers!";

static uint64_t hello(uint64_t destination);
static uint64_t make_report(uint64_t target, uint64_t data, uint64_t destination);
static void find_range(void);
static bool is_outside(uint64_t address, uint64_t size);
static void copy(void *to, const void *from, size_t size);
static void ereport(void);

/* Called by entry.S; the arguments are the host's and may be anything. */
uint64_t encl_call(uint64_t first, uint64_t second, uint64_t third, uint64_t number)
{
    if (range_end == 0)
        find_range();
    if (number == ECALL_HELLO)
        return hello(first);
    if (number == ECALL_REPORT)
        return make_report(first, second, third);
    return (uint64_t)INVALID;
}

static uint64_t hello(uint64_t destination)
{
    if (!is_outside(destination, sizeof(greeting)))
        return (uint64_t)FAULT;
    copy((void *)destination, greeting, sizeof(greeting));
    return 0;
}

/* Everything is copied in before use: the host may change its memory meanwhile. */
static uint64_t make_report(uint64_t target, uint64_t data, uint64_t destination)
{
    if (!is_outside(target, TARGETINFO_SIZE) || !is_outside(data, REPORT_DATA_SIZE) ||
        !is_outside(destination, REPORT_SIZE))
        return (uint64_t)FAULT;
    copy(targetinfo, (const void *)target, TARGETINFO_SIZE);
    copy(report_data, (const void *)data, REPORT_DATA_SIZE);
    ereport();
    copy((void *)destination, report, REPORT_SIZE);
    return 0;
}

/*
 * Finds out which addresses are the enclave's. Where the image lies, RIP tells; how far the range
 * goes beyond it follows from the measured metadata and, since the length of the SSA frame depends
 * on it, from XFRM, which only a report tells. The host is not asked.
 */
static void find_range(void)
{
    ereport();
    uint64_t xfrm;
    copy(&xfrm, report + REPORT_XFRM, sizeof(xfrm));
    uint64_t frame_pages = (xfrm & ~XFRM_KNOWN)     ? FRAME_PAGES_MOST
                           : (xfrm & XFRM_TILEDATA) ? FRAME_PAGES_TILEDATA
                                                    : FRAME_PAGES;
    uint64_t image = (uint64_t)encl_tcs;
    uint64_t mapped = (uint64_t)encl_image_end - image + frame_pages * PAGE;
    if (encl_metadata.max_mmap_size > mapped)
        mapped = (encl_metadata.max_mmap_size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    uint64_t offset = 0;
    if (encl_metadata.null_deref_protection)
        offset = encl_metadata.mmap_min_addr ? encl_metadata.mmap_min_addr : GUARD_AREA;
    uint64_t size = PAGE;
    while (size < offset + mapped)
        size <<= 1;
    range_start = image - offset;
    range_end = range_start + size;
}

/*
 * Whether the whole of [address, address + size) is the host's. The attack: a pointer into the
 * enclave makes it disclose or overwrite its own memory.
 */
static bool is_outside(uint64_t address, uint64_t size)
{
    uint64_t end;
    if (address == 0 || __builtin_add_overflow(address, size, &end))
        return false;
    return end <= range_start || address >= range_end;
}

static void copy(void *to, const void *from, size_t size)
{
    volatile uint8_t *destination = to;
    const volatile uint8_t *source = from;
    for (size_t i = 0; i < size; i++)
        destination[i] = source[i];
}

static void ereport(void)
{
    uint64_t leaf = 0;
    __asm__ volatile(".byte 0x0f, 0x01, 0xd7"
                     : "+a"(leaf)
                     : "b"(targetinfo), "c"(report_data), "d"(report)
                     : "memory", "cc");
}
