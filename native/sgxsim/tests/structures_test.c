// SPDX-License-Identifier: Apache-2.0
/* What hosts and other processes hand to the platform: good ones, each field wrong, and noise. */
#include "../crypto/tests/tap.h"
#include "../enclave_file.h"
#include "../illegal.h"
#include "../structures.h"

#define ROUNDS 200000

static const struct secs_limits limits = {
    .attributes = 0x7e, .xfrm = 0xe7, .miscselect = 1, .xsave_size = 2696};

static struct secs good_secs(void)
{
    return (struct secs){.size = 1 << 16,
                         .base = 1 << 20,
                         .ssa_frame_size = 1,
                         .miscselect = 1,
                         .attributes = {.flags = 4, .xfrm = 3}};
}

static int is_refused(struct secs secs)
{
    return !secs_ok(&secs, &limits);
}

#define REFUSED(name, change)                                                                      \
    do {                                                                                           \
        struct secs secs = good_secs();                                                            \
        change;                                                                                    \
        ok(is_refused(secs), "SECS: " name);                                                       \
    } while (0)

static void secs_fields(void)
{
    ok(!is_refused(good_secs()), "SECS: a good one");
    REFUSED("a size of one page", secs.size = 4096);
    REFUSED("a size that is no power of two", secs.size = 3 << 14);
    REFUSED("the largest size there is", secs.size = 1UL << 63; secs.base = 0);
    REFUSED("size 0", secs.size = 0);
    REFUSED("a base that is not aligned to the size", secs.base += 4096);
    REFUSED("a base that is not canonical", secs.base = 1UL << 47);
    REFUSED("no frame", secs.ssa_frame_size = 0);
    REFUSED("a 32-bit enclave", secs.attributes.flags = 0);
    REFUSED("INIT", secs.attributes.flags |= 1);
    REFUSED("AEX-Notify", secs.attributes.flags |= 1 << 10);
    REFUSED("XFRM without SSE", secs.attributes.xfrm = 1);
    REFUSED("XFRM beyond XCR0", secs.attributes.xfrm |= 1 << 9);
    REFUSED("an unknown MISCSELECT", secs.miscselect = 2);
    for (size_t i = 0; i < sizeof(struct secs); i++) {
        int reserved =
            (i >= 24 && i < 48) || (i >= 96 && i < 128) || (i >= 160 && i < 192) || i >= 262;
        struct secs secs = good_secs();
        ((uint8_t *)&secs)[i] ^= 0x80;
        if (reserved && !is_refused(secs)) {
            ok(0, "SECS: a reserved byte");
            return;
        }
    }
    ok(1, "SECS: every reserved byte");
}

static void secinfos(void)
{
    struct secinfo info = {.flags = 0x203};
    ok(secinfo_ok(&info), "SECINFO: a regular page");
    info.flags = 0x202;
    ok(!secinfo_ok(&info), "SECINFO: W without R");
    info.flags = 0x101;
    ok(!secinfo_ok(&info), "SECINFO: a TCS with permissions");
    info.flags = 0x403;
    ok(!secinfo_ok(&info), "SECINFO: a trimmed page is not added");
    info.flags = 0x20b;
    ok(!secinfo_ok(&info) && secinfo_well_formed(&info), "SECINFO: state is for ENCLU only");
    info.flags = 0x10203;
    ok(!secinfo_ok(&info) && !secinfo_well_formed(&info), "SECINFO: a reserved bit");
    info = (struct secinfo){.flags = 0x203, .reserved = {[55] = 1}};
    ok(!secinfo_ok(&info) && !secinfo_well_formed(&info), "SECINFO: a reserved byte");
}

static void tcss(void)
{
    struct tcs tcs = {.nssa = 1, .fslimit = 0xfff, .gslimit = 0xfff};
    ok(tcs_ok(&tcs) && tcs_acceptable(&tcs), "TCS: a good one");
    tcs.flags = TCS_DBGOPTIN;
    ok(tcs_ok(&tcs) && !tcs_acceptable(&tcs), "TCS: DBGOPTIN is not to be had by EACCEPT");
    tcs.flags = 2;
    ok(!tcs_ok(&tcs), "TCS: AEX-Notify");
    tcs = (struct tcs){.nssa = 0, .fslimit = 0xfff, .gslimit = 0xfff};
    ok(!tcs_acceptable(&tcs), "TCS: without a frame it is not accepted");
    tcs = (struct tcs){.ogsbase = 8, .fslimit = 0xfff, .gslimit = 0xfff};
    ok(!tcs_ok(&tcs), "TCS: an unaligned base");
    tcs = (struct tcs){.fslimit = 0xffe, .gslimit = 0xfff};
    ok(!tcs_ok(&tcs), "TCS: a limit that ends in a page");
    tcs = (struct tcs){.fslimit = 0xfff, .gslimit = 0xfff, .reserved3 = {[4023] = 1}};
    ok(!tcs_ok(&tcs), "TCS: a reserved byte");
}

static void ranges(void)
{
    uint64_t seed = 7;
    ok(range_ok(65536, 0, 65536) && range_ok(65536, 61440, 4096), "range: whole and last page");
    ok(!range_ok(65536, 65536, 4096) && !range_ok(65536, 4096, 65536) && !range_ok(65536, 0, 0) &&
           !range_ok(65536, 1, 4096) && !range_ok(65536, 0, 100),
       "range: outside, empty, unaligned");
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t offset = noise(&seed) & ~4095UL, length = noise(&seed) & ~4095UL;
        if (range_ok(65536, offset, length) && (offset >= 65536 || length > 65536 - offset)) {
            ok(0, "range: noise");
            return;
        }
    }
    ok(1, "range: noise");
}

/* Whatever another process has written there, the layout stays within the file and within bounds.
 */
static void layouts(void)
{
    struct enclave_layout layout;
    struct secs secs = good_secs();
    enclave_file_sizes(&layout, secs.size);
    ok(layout.memory == 0x2000 + 4096 + 4096 && layout.end == layout.memory + 65536,
       "file: header, table, counts, memory");
    ok(enclave_file_layout(&layout, &secs, layout.end) == 1 && layout.base == secs.base,
       "file: of the right size");
    ok(!enclave_file_layout(&layout, &secs, layout.end - 1), "file: too short");
    uint64_t seed = 11;
    int good = 1;
    for (int i = 0; i < ROUNDS; i++) {
        fill_with_noise(&seed, (uint8_t *)&secs, 64);
        if (i % 2 == 0) {
            secs.size = 1UL << (noise(&seed) % 64);
            secs.base &= ~(secs.size - 1);
        }
        if (i % 4 == 0)
            secs.ssa_frame_size &= 0x1ffff;
        uint64_t file = noise(&seed) >> (noise(&seed) % 64);
        if (!enclave_file_layout(&layout, &secs, file))
            continue;
        good &= layout.end <= file && layout.size <= 1UL << LARGEST_ENCLAVE_BITS &&
                layout.base + layout.size <= 1UL << 47 && layout.ssa_frame_size <= 0x10000 &&
                layout.chunks >= ENCLAVE_HEADER_SIZE + layout.size / 4096 * sizeof(struct page);
        secs_ok(&secs, &limits);
    }
    ok(good, "file: noise");
}

static void instructions(void)
{
    static const struct {
        const char *name, *bytes;
        int illegal;
    } cases[] = {
        {"INT 0x80", "\xcd\x80", 1},       {"IN AL, DX", "\xec", 1},
        {"OUTSB with REP", "\xf3\x6e", 1}, {"RDPMC", "\x0f\x33\x90", 1},
        {"SGDT", "\x0f\x01\x00", 1},       {"SMSW of a register", "\x0f\x01\xe0", 1},
        {"XGETBV", "\x0f\x01\xd0", 0},     {"SLDT with REX", "\x48\x0f\x00\xc0", 1},
        {"far JMP", "\xff\x28", 1},        {"near JMP", "\xff\xe0", 0},
        {"MOV to DS", "\x8e\xd8", 1},      {"HLT, which faults inside as outside", "\xf4", 0},
        {"MOV", "\x48\x89\xc3", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[16] = {0};
        memcpy(bytes, cases[i].bytes, strlen(cases[i].bytes));
        ok(is_illegal_inside(bytes, sizeof bytes) == cases[i].illegal, cases[i].name);
    }
    uint64_t seed = 13;
    for (int i = 0; i < ROUNDS; i++) {
        size_t size = noise(&seed) % 17;
        uint8_t *bytes = malloc(size + 1); /* of its size, so that a read beyond it is seen */
        fill_with_noise(&seed, bytes, size);
        is_illegal_inside(bytes, size);
        free(bytes);
    }
    ok(1, "instructions: noise");
}

int main(void)
{
    secs_fields();
    secinfos();
    tcss();
    ranges();
    layouts();
    instructions();
    return done();
}
