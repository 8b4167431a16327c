// SPDX-License-Identifier: Apache-2.0
/* SHA-256 against FIPS 180-4's examples, its two paths against each other, and MRENCLAVE records.
 */
#include "../measure.h"
#include "../sha256.h"
#include "tap.h"

static const struct crypto_engine portable = {0};

static void standard_vectors(struct crypto_engine engine, const char *path);
static void paths_agree(struct crypto_engine native);
static void any_split_hashes_the_same(void);
static void final_leaves_the_state(void);
static void records_are_laid_out(void);

int main(void)
{
    struct crypto_engine native = crypto_engine_detect();
    standard_vectors(portable, "portable");
    if (native.sha) {
        standard_vectors(native, "SHA-NI");
        paths_agree(native);
    } else {
        skip("SHA-NI and portable agree", "this processor has no SHA-NI");
    }
    any_split_hashes_the_same();
    final_leaves_the_state();
    records_are_laid_out();
    return done();
}

static bool hashes_to(struct crypto_engine engine, const char *message, const char *digest)
{
    uint8_t result[SHA256_SIZE];
    sha256(engine, message, strlen(message), result);
    return is_hex(result, sizeof result, digest);
}

/* The examples that NIST publishes with FIPS 180-4 (SHA256.pdf, SHA2_Additional.pdf). */
static void standard_vectors(struct crypto_engine engine, const char *path)
{
    char name[80];
    bool all =
        hashes_to(engine, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") &&
        hashes_to(engine, "abc",
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") &&
        hashes_to(engine, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1") &&
        hashes_to(engine,
                  "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnop"
                  "jklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
                  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
    snprintf(name, sizeof name, "FIPS 180-4 examples, %s", path);
    ok(all, name);

    struct sha256 hash;
    uint8_t digest[SHA256_SIZE];
    char thousand[1000];
    memset(thousand, 'a', sizeof thousand);
    sha256_init(&hash, engine);
    for (int i = 0; i < 1000; i++)
        sha256_update(&hash, thousand, sizeof thousand);
    sha256_final(&hash, digest);
    snprintf(name, sizeof name, "FIPS 180-4, a million a, %s", path);
    ok(is_hex(digest, sizeof digest,
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
       name);
}

static void paths_agree(struct crypto_engine native)
{
    uint64_t seed = 20261123;
    uint8_t message[1024];
    bool same = true;
    for (int i = 0; i < 2000; i++) {
        size_t size = noise(&seed) % sizeof message;
        fill_with_noise(&seed, message, size);
        uint8_t one[SHA256_SIZE], other[SHA256_SIZE];
        sha256(portable, message, size, one);
        sha256(native, message, size, other);
        same = same && memcmp(one, other, sizeof one) == 0;
    }
    ok(same, "SHA-NI and portable agree");
}

static void any_split_hashes_the_same(void)
{
    uint8_t message[200];
    uint64_t seed = 7;
    fill_with_noise(&seed, message, sizeof message);
    bool same = true;
    for (size_t size = 0; size <= sizeof message; size++) {
        uint8_t whole[SHA256_SIZE], split[SHA256_SIZE];
        sha256(portable, message, size, whole);
        for (size_t cut = 0; cut <= size; cut++) {
            struct sha256 hash;
            sha256_init(&hash, portable);
            sha256_update(&hash, message, cut);
            sha256_update(&hash, message + cut, size - cut);
            sha256_final(&hash, split);
            same = same && memcmp(whole, split, sizeof whole) == 0;
        }
    }
    ok(same, "a message in two parts hashes as in one, all sizes to 200 and all cuts");
}

static void final_leaves_the_state(void)
{
    struct sha256 hash;
    uint8_t early[SHA256_SIZE], late[SHA256_SIZE];
    sha256_init(&hash, portable);
    sha256_update(&hash, "ab", 2);
    sha256_final(&hash, early);
    sha256_update(&hash, "c", 1);
    sha256_final(&hash, late);
    ok(hashes_to(portable, "ab",
                 "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603") &&
           is_hex(early, sizeof early,
                  "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603") &&
           is_hex(late, sizeof late,
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
       "a hash can be read and continued");
}

/* The stream, byte for byte, typed here a second time from the SDM. */
static void records_are_laid_out(void)
{
    uint8_t chunk[MEASURE_CHUNK], secinfo[SGX_SECINFO_SIZE];
    for (size_t i = 0; i < sizeof chunk; i++)
        chunk[i] = (uint8_t)(255 - i);
    for (size_t i = 0; i < sizeof secinfo; i++)
        secinfo[i] = (uint8_t)(i + 1);

    uint8_t stream[3 * 64 + MEASURE_CHUNK] = {0};
    from_hex(stream, 20, "4543524541544500 02000000 0000100000000000");
    from_hex(stream + 64, 16, "4541444400000000 0030000000000000");
    memcpy(stream + 64 + 16, secinfo, 48);
    from_hex(stream + 128, 16, "45455854454e4400 0031000000000000");
    memcpy(stream + 192, chunk, sizeof chunk);

    struct sha256 hash;
    uint8_t measured[SHA256_SIZE], expected[SHA256_SIZE];
    measure_ecreate(&hash, portable, 2, 0x100000);
    measure_eadd(&hash, 0x3000, secinfo);
    measure_eextend(&hash, 0x3100, chunk);
    measure_final(&hash, measured);
    sha256(portable, stream, sizeof stream, expected);
    ok(memcmp(measured, expected, sizeof measured) == 0, "MRENCLAVE records are as the SDM's");
}
