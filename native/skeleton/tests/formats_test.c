// SPDX-License-Identifier: Apache-2.0
/* What the loader reads from files and what it computes from them, under sanitizers. Prints TAP. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../enclave_error.h"
#include "../image.h"
#include "../layout.h"
#include "../measure.h"
#include "../options.h"
#include "../output.h"
#include "../processes.h"
#include "sgxsim/crypto/sha256.h"
#include "../sigstruct_check.h"

#define FUZZ_ROUNDS 20000
#define ATTRIBUTES_AT 928 /* of a SIGSTRUCT: FLAGS, then XFRM */

static const struct crypto_engine portable;

static const char image_path[] = "native/build/lib/encl.bin";
static const char sigstruct_path[] = "native/build/lib/encl.ss";
static const char noted_path[] = "native/build/lib/encl-noted.ss";
static int count, failures;

static void check(bool ok, const char *name)
{
    printf("%sok %d - %s\n", ok ? "" : "not ", ++count, name);
    failures += !ok;
}

static void skip(const char *name)
{
    printf("ok %d - %s # skip the enclave is not built or not signed\n", ++count, name);
}

static bool hashes_to(const void *bytes, size_t size, size_t part, const char *expected)
{
    struct sha256 hash;
    uint8_t digest[32];
    char hex[65];
    sha256_init(&hash, portable);
    for (size_t at = 0; at < size; at += part)
        sha256_update(&hash, (const char *)bytes + at, part < size - at ? part : size - at);
    sha256_final(&hash, digest);
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return strcmp(hex, expected) == 0;
}

/* FIPS 180-4's examples, and NIST's million letters. */
static void test_sha256(void)
{
    check(hashes_to("", 0, 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
          "SHA-256 of nothing");
    check(
        hashes_to("abc", 3, 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        "SHA-256 of abc, byte by byte");
    const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    check(hashes_to(two, 56, 7, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
          "SHA-256 that pads into a second block");
    char *million = malloc(1000000);
    memset(million, 'a', 1000000);
    const char *expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
    check(hashes_to(million, 1000000, 8191, expected), "SHA-256 of a million letters");
    free(million);
}

static void put_u64(uint8_t *to, uint64_t value)
{
    memcpy(to, &value, 8);
}

/* Four pages: TCS, code, data with a note at its end, metadata. */
static struct image test_image(void)
{
    struct image image = {.size = 4 * SGX_PAGE_SIZE};
    image.pages =
        mmap(NULL, image.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint8_t *note = image.pages + 3 * SGX_PAGE_SIZE - 64;
    memcpy(note, "ENCLPERM", 8);
    note[8] = 1;
    put_u64(note + 16, 0x1000);
    put_u64(note + 24, 0x2000);
    put_u64(note + 32, 0x2000);
    put_u64(note + 40, 0x3000);
    return image;
}

static void test_image_parse(void)
{
    const int note = 3 * SGX_PAGE_SIZE - 64, metadata = 3 * SGX_PAGE_SIZE;
    struct image image = test_image();
    check(image_parse(&image) == 0 && image.note.present && image.note.code_end == 0x2000,
          "an image with a page note");
    static const struct {
        int at;
        uint8_t value;
        const char *name;
    } hostile[] = {
        {3 * SGX_PAGE_SIZE - 64 + 8, 2, "a note of another version"},
        {3 * SGX_PAGE_SIZE - 64 + 12, 1, "a reserved note byte"},
        {3 * SGX_PAGE_SIZE - 1, 1, "the note's last byte"},
        {3 * SGX_PAGE_SIZE - 64 + 16, 1, "code that is not page-aligned"},
        {3 * SGX_PAGE_SIZE - 64 + 17, 0, "code in the TCS"},
        {3 * SGX_PAGE_SIZE - 64 + 25, 0x30, "code that reaches into data"},
        {3 * SGX_PAGE_SIZE - 64 + 33, 0x40, "data that ends before it starts"},
        {3 * SGX_PAGE_SIZE - 64 + 47, 0x80, "data that ends beyond the image"},
        {3 * SGX_PAGE_SIZE + 8, 2, "a protection flag of 2"},
        {3 * SGX_PAGE_SIZE + 7, 1, "a monstrous mmap size"},
    };
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        uint8_t before = image.pages[hostile[i].at];
        image.pages[hostile[i].at] = hostile[i].value;
        check(image_parse(&image) == -EINVAL, hostile[i].name);
        image.pages[hostile[i].at] = before;
    }
    image.pages[metadata + 8] = 1;
    image.pages[metadata + 9] = 1;
    check(image_parse(&image) == -EINVAL, "a lowest address that is no page's");
    image.pages[note] = 'e';
    image.pages[metadata + 8] = 0;
    check(image_parse(&image) == 0 && !image.note.present, "an image without a page note");
    image_free(&image);
}

static void test_layout(void)
{
    struct image image = test_image();
    uint8_t sigstruct[SGX_SIGSTRUCT_SIZE] = {0};
    struct layout layout;
    image_parse(&image);
    put_u64(sigstruct + SIGSTRUCT_ATTRIBUTES, SGX_ATTR_MODE64BIT);
    put_u64(sigstruct + SIGSTRUCT_XFRM, 3);
    check(layout_make(&image, sigstruct, true, &layout) == 0 && layout.enclave_size == 0x8000 &&
              layout.attributes == 6 && ((struct sgx_tcs *)image.pages)->ossa == 0x4000,
          "the smallest range that holds image and SSA, with DEBUG");
    bool writable_code = false;
    for (int i = 0; i < layout.segment_count; i++)
        writable_code |= (layout.segments[i].prot & 6) == 6;
    check(!writable_code, "no page is mapped writable and executable");
    sigstruct[SIGSTRUCT_SWDEFINED] = 2;
    check(layout_make(&image, sigstruct, false, &layout) == -EINVAL, "an unknown page layout");
    sigstruct[SIGSTRUCT_SWDEFINED] = 1;
    image.note.present = false;
    check(layout_make(&image, sigstruct, false, &layout) == -EINVAL, "noted pages without a note");
    sigstruct[SIGSTRUCT_SWDEFINED] = 0;
    put_u64(sigstruct + SIGSTRUCT_XFRM, 2);
    check(layout_make(&image, sigstruct, false, &layout) == -EINVAL, "XFRM without x87");
    put_u64(sigstruct + SIGSTRUCT_XFRM, UINT64_MAX);
    check(layout_make(&image, sigstruct, false, &layout) == -EINVAL, "XFRM no machine has");
    put_u64(sigstruct + SIGSTRUCT_XFRM, 3);
    image.max_mmap_size = 0x4fff;
    check(layout_make(&image, sigstruct, false, &layout) == -EINVAL, "an mmap size too small");
    image.max_mmap_size = UINT64_C(1) << 36;
    image.null_deref_protection = true;
    check(layout_make(&image, sigstruct, false, &layout) == -EINVAL, "a range above 64 GiB");
    image_free(&image);
}

static void test_options(void)
{
    struct options options = options_parse("  debug   no-sgx-flc debugging");
    check(options.debug && options.no_sgx_flc && !options.kvm, "words of the arguments");
    options = options_parse(NULL);
    check(!options.debug && !options_parse("debugging xdebug").debug, "NULL and longer words");
    const char *argv[] = {"x", "wait_timeout", "7", NULL}, *bare[] = {"wait_timeout", NULL};
    const char *below[] = {"wait_timeout", "-5", NULL}, *above[] = {"wait_timeout", "1e99", NULL};
    check(payload_seconds(argv) == 7 && payload_seconds(bare) == 0 && payload_seconds(below) == 0 &&
              payload_seconds(above) == 1,
          "seconds of wait_timeout");
}

/* The signer is TypeScript, the checker C: they must agree about a real SIGSTRUCT. */
static void test_against_signer(const char *path, const char *name)
{
    struct image image;
    uint8_t sigstruct[SGX_SIGSTRUCT_SIZE];
    if (access(image_path, R_OK) != 0 || access(path, R_OK) != 0) {
        skip(name);
        return;
    }
    struct layout layout;
    if (image_read(image_path, &image) != 0 || sigstruct_read(path, sigstruct) != 0 ||
        layout_make(&image, sigstruct, false, &layout) != 0) {
        check(false, name);
        return;
    }
    struct enclave_claim claim = {layout.attributes, layout.xfrm, layout.miscselect, {0}};
    measure_layout(&layout, claim.mrenclave);
    check(sigstruct_check(sigstruct, &claim) == 0, name);

    int accepted = 0;
    for (int at = 0; at < SGX_SIGSTRUCT_SIZE; at++) {
        sigstruct[at] ^= (uint8_t)(1 << at % 8);
        accepted += sigstruct_check(sigstruct, &claim) == 0;
        sigstruct[at] ^= (uint8_t)(1 << at % 8);
    }
    check(accepted == 0, "one bit changed in any byte of it is refused");
    claim.mrenclave[31] ^= 1;
    check(sigstruct_check(sigstruct, &claim) == SGX_INVALID_MEASUREMENT, "another measurement");
    claim.mrenclave[31] ^= 1;
    claim.xfrm ^= 1;
    check(sigstruct_check(sigstruct, &claim) == SGX_INVALID_ATTRIBUTE, "another XFRM");
    image_free(&image);
}

/* A generator that is the same everywhere: a failure is repeated by its seed. */
static uint32_t random_state;

static uint32_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

/* Random words in the metadata, the note and the SIGSTRUCT: a layout lies within its enclave. */
static void test_fuzz(void)
{
    const char *given = getenv("FUZZ_SEED");
    uint32_t seed = given == NULL ? 20261128 : (uint32_t)strtoul(given, NULL, 10);
    random_state = seed == 0 ? 1 : seed;
    int parsed = 0, laid_out = 0, wrong = 0;
    struct image image = test_image();
    uint8_t *pages = malloc(image.size);
    memcpy(pages, image.pages, image.size);
    for (int round = 0; round < FUZZ_ROUNDS; round++) {
        memcpy(image.pages, pages, image.size);
        uint8_t sigstruct[SGX_SIGSTRUCT_SIZE];
        bool noise = next_random() % 2 == 0; /* otherwise one that could be signed: XFRM 3 */
        for (size_t at = 0; at < sizeof(sigstruct); at++)
            sigstruct[at] = noise && next_random() % 4 == 0 ? (uint8_t)next_random() : 0;
        if (!noise)
            sigstruct[ATTRIBUTES_AT + 8] = 3;
        for (uint32_t times = next_random() % 4; times > 0; times--) {
            uint32_t word = next_random() % 3 == 0 ? next_random() : next_random() % 5 << 12;
            size_t at = 3 * SGX_PAGE_SIZE - 64 + next_random() % 81;
            memcpy(image.pages + at, &word, 1 + next_random() % 4);
        }
        struct image changed = {.pages = image.pages, .size = image.size};
        if (image_parse(&changed) != 0)
            continue;
        parsed++;
        struct layout layout = {0};
        if (layout_make(&changed, sigstruct, false, &layout) == 0) {
            laid_out++;
            wrong += layout.enclave_size == 0 ||
                     (layout.enclave_size & (layout.enclave_size - 1)) != 0 ||
                     layout.image_offset + layout.mapped_size > layout.enclave_size;
            for (int i = 0; i < layout.segment_count; i++)
                wrong += layout.segments[i].data != NULL &&
                         layout.segments[i].offset + layout.segments[i].size > image.size;
        }
        struct enclave_claim claim = {0};
        wrong += sigstruct_check(sigstruct, &claim) == 0; /* of noise */
    }
    char name[128];
    snprintf(name, sizeof(name),
             "changed images and noise for SIGSTRUCTs (seed %u): %d parsed, %d laid out", seed,
             parsed, laid_out);
    check(parsed > 0 && laid_out > 0 && wrong == 0, name);
    free(pages);
    image_free(&image);
}

int main(void)
{
    output_set_level("off");
    test_sha256();
    test_image_parse();
    test_layout();
    test_options();
    test_fuzz();
    test_against_signer(sigstruct_path, "encl.ss holds for encl.bin");
    test_against_signer(noted_path, "encl-noted.ss holds for encl.bin");
    printf("1..%d\n", count);
    return failures != 0;
}
