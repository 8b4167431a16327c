// SPDX-License-Identifier: Apache-2.0
/* EINIT's view of a SIGSTRUCT: what passes, what is refused with which error, and in which order.
 */
#include "../sigstruct.h"
#include "example.h"
#include "tap.h"

static const struct crypto_engine portable = {0};

static void accepts_the_example(void);
static void refuses_any_changed_byte(void);
static void refuses_what_the_enclave_is_not(void);
static void refuses_bad_numbers(void);
static void checks_in_the_documented_order(void);
static void survives_noise(void);
static void public_vector(void);
static void is_fast(void);

int main(void)
{
    accepts_the_example();
    refuses_any_changed_byte();
    refuses_what_the_enclave_is_not();
    refuses_bad_numbers();
    checks_in_the_documented_order();
    survives_noise();
    public_vector();
    is_fast();
    return done();
}

static uint32_t check(const struct sigstruct *sig, const struct launch_view *enclave)
{
    uint8_t mrsigner[SHA256_SIZE];
    return sigstruct_check(portable, sig, enclave, mrsigner);
}

static void accepts_the_example(void)
{
    struct sigstruct sig = example_sigstruct();
    struct launch_view enclave = example_enclave();
    uint8_t mrsigner[SHA256_SIZE] = {0};
    uint32_t error = sigstruct_check(portable, &sig, &enclave, mrsigner);
    ok(error == 0 && is_hex(mrsigner, sizeof mrsigner, example_mrsigner),
       "a good SIGSTRUCT passes and yields MRSIGNER");

    struct sigstruct bad = sig;
    bad.signature[0] ^= 1;
    uint8_t untouched[SHA256_SIZE] = {0};
    ok(sigstruct_check(portable, &bad, &enclave, untouched) == SGX_INVALID_SIGNATURE &&
           untouched[0] == 0 && memcmp(untouched, untouched + 1, sizeof untouched - 1) == 0,
       "a refusal yields no MRSIGNER");

    ok(memcmp(&sig.date, "\x23\x11\x26\x20", 4) == 0 && sig.isvprodid == 7 && sig.isvsvn == 3 &&
           sig.miscmask == 0xffffffff && sig.attributes.flags == 4 &&
           sig.attribute_mask.xfrm == 0x1b,
       "fields are where the SDM puts them");
}

/* What a change of the byte at `offset` must lead to: reserved and constant fields are refused as
 * such, everything else is signed or is the signature. */
static uint32_t expected_error(size_t offset)
{
    bool formal = offset < 20 || (offset >= 24 && offset < 40) || (offset >= 44 && offset < 128) ||
                  (offset >= 512 && offset < 516) || (offset >= 908 && offset < 912) ||
                  (offset >= 992 && offset < 1008) || (offset >= 1028 && offset < 1040);
    return formal ? SGX_INVALID_SIG_STRUCT : SGX_INVALID_SIGNATURE;
}

static void refuses_any_changed_byte(void)
{
    const struct sigstruct good = example_sigstruct();
    struct launch_view enclave = example_enclave();
    size_t wrong = 0;
    for (size_t offset = 0; offset < sizeof good; offset++) {
        for (unsigned change = 1; change <= 0x80; change <<= 7) {
            struct sigstruct sig = good;
            ((uint8_t *)&sig)[offset] ^= (uint8_t)change;
            if (check(&sig, &enclave) != expected_error(offset)) {
                printf("# byte %zu ^ %u: %u\n", offset, change, check(&sig, &enclave));
                wrong++;
            }
        }
    }
    ok(wrong == 0, "each of the 1808 bytes, changed, is refused with the right error");
}

static void refuses_what_the_enclave_is_not(void)
{
    const struct sigstruct sig = example_sigstruct();
    const struct launch_view good = example_enclave();
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof good.mrenclave; i++) {
        struct launch_view enclave = good;
        enclave.mrenclave[i] ^= 0x10;
        wrong += check(&sig, &enclave) != SGX_INVALID_MEASUREMENT;
    }
    ok(wrong == 0, "another MRENCLAVE is SGX_INVALID_MEASUREMENT");

    wrong = 0;
    for (int bit = 0; bit < 64; bit++) {
        struct launch_view flags = good, xfrm = good, misc = good;
        flags.attributes ^= UINT64_C(1) << bit;
        xfrm.xfrm ^= UINT64_C(1) << bit;
        misc.miscselect ^= (uint32_t)(UINT64_C(1) << bit);
        bool flag_masked = UINT64_C(1) << bit == SGX_ATTRIBUTE_DEBUG;
        bool xfrm_masked = (UINT64_C(0x1b) >> bit & 1) == 0;
        wrong += check(&sig, &flags) != (flag_masked ? 0 : SGX_INVALID_ATTRIBUTE);
        wrong += check(&sig, &xfrm) != (xfrm_masked ? 0 : SGX_INVALID_ATTRIBUTE);
        wrong += check(&sig, &misc) != (bit >= 32 ? 0 : SGX_INVALID_ATTRIBUTE);
    }
    ok(wrong == 0, "each bit of ATTRIBUTES and MISCSELECT counts exactly where its mask is set");
}

/* Writes `number` + `change`, both little-endian. */
static void add(uint8_t *number, int change)
{
    int carry = change;
    for (size_t i = 0; i < RSA3072_SIZE; i++) {
        int sum = number[i] + carry;
        number[i] = (uint8_t)sum;
        carry = sum >> 8;
    }
}

static void refuses_bad_numbers(void)
{
    const struct sigstruct good = example_sigstruct();
    uint8_t cube[RSA3072_SIZE];
    struct sigstruct sig = good;
    const struct rsa3072_signature numbers = {sig.modulus, sig.signature, sig.q1, sig.q2};
    ok(rsa3072_cube(&numbers, cube) && cube[RSA3072_SIZE - 1] == 0 && cube[RSA3072_SIZE - 2] == 1 &&
           cube[RSA3072_SIZE - 3] == 0xff,
       "the cube of a signature is the padded digest");

    size_t wrong = 0;
    for (int change = -1; change <= 1; change += 2) {
        sig = good;
        add(sig.q1, change);
        wrong += rsa3072_cube(&numbers, cube);
        sig = good;
        add(sig.q2, change);
        wrong += rsa3072_cube(&numbers, cube);
    }
    ok(wrong == 0, "a quotient that is one off is refused");

    sig = good;
    memcpy(sig.signature, sig.modulus, RSA3072_SIZE);
    memset(sig.q1, 0, RSA3072_SIZE);
    memset(sig.q2, 0, RSA3072_SIZE);
    memcpy(sig.q1, sig.modulus, RSA3072_SIZE);
    ok(!rsa3072_cube(&numbers, cube), "a signature that is not below the modulus is refused");

    /* 1^3 needs no quotient and is right for any modulus: only the modulus decides. */
    memset(sig.signature, 0, RSA3072_SIZE);
    memset(sig.q1, 0, RSA3072_SIZE);
    sig.signature[0] = 1;
    bool odd = rsa3072_cube(&numbers, cube) && cube[0] == 1;
    sig.modulus[0] &= 0xfe;
    bool even = rsa3072_cube(&numbers, cube);
    memcpy(sig.modulus, good.modulus, RSA3072_SIZE);
    sig.modulus[RSA3072_SIZE - 1] &= 0x7f;
    bool shorter = rsa3072_cube(&numbers, cube);
    ok(odd && !even && !shorter, "an even or shorter modulus is refused");

    memset(&sig.modulus, 0xff, RSA3072_SIZE);
    memset(&sig.signature, 0xff, RSA3072_SIZE);
    memset(&sig.q1, 0xff, RSA3072_SIZE);
    memset(&sig.q2, 0xff, RSA3072_SIZE);
    sig.signature[0] = 0xfe;
    ok(!rsa3072_cube(&numbers, cube), "the largest numbers there are do no harm");
}

/* Each error hides those that EINIT's pseudocode looks for later. */
static void checks_in_the_documented_order(void)
{
    struct sigstruct sig = example_sigstruct();
    struct launch_view enclave = example_enclave();
    enclave.xfrm = 0;
    bool attribute = check(&sig, &enclave) == SGX_INVALID_ATTRIBUTE;
    enclave.mrenclave[0] ^= 1;
    bool measurement = check(&sig, &enclave) == SGX_INVALID_MEASUREMENT;
    sig.isvsvn ^= 1;
    bool signature = check(&sig, &enclave) == SGX_INVALID_SIGNATURE;
    sig.exponent = 65537;
    bool form = check(&sig, &enclave) == SGX_INVALID_SIG_STRUCT;
    ok(attribute && measurement && signature && form,
       "form, signature, measurement, attributes are checked in this order");

    sig = example_sigstruct();
    enclave = example_enclave();
    sig.attribute_mask.flags = 0; /* breaks the signature, which must be seen first */
    enclave.attributes |= SGX_ATTRIBUTE_EINITTOKEN_KEY;
    ok(check(&sig, &enclave) == SGX_INVALID_SIGNATURE, "a mask is believed only if it is signed");
}

/* 100,000 mutations; whatever they are, EINIT refuses, and the sanitizers see nothing. */
static void survives_noise(void)
{
    const struct sigstruct good = example_sigstruct();
    struct launch_view enclave = example_enclave();
    uint64_t seed = 1808;
    bool refused = true;
    for (int i = 0; i < 100000 && refused; i++) {
        struct sigstruct sig = good;
        uint8_t *bytes = (uint8_t *)&sig;
        /* Mostly behind the header, where something is computed; one in eight anywhere. */
        for (uint64_t edits = 1 + noise(&seed) % 4; edits != 0; edits--) {
            size_t offset = (noise(&seed) >> 20) % sizeof sig;
            if (noise(&seed) % 8 != 0 && expected_error(offset) == SGX_INVALID_SIG_STRUCT)
                offset = 128 + offset % 384;
            bytes[offset] = (uint8_t)(bytes[offset] + 1 + (noise(&seed) >> 33) % 255);
        }
        refused = memcmp(&sig, &good, sizeof sig) == 0 || check(&sig, &enclave) != 0;
    }
    ok(refused, "100000 mutated SIGSTRUCTs are refused");
}

/* Fortanix's published signature, made by other hands; see its SOURCE.txt. */
static void public_vector(void)
{
    const char *name = "sigstruct-fortanix-sig1 passes";
    const char *root = getenv("INCLAVARE_VECTORS");
    char path[4096];
    snprintf(path, sizeof path, "%s/sigstruct-fortanix-sig1/sig1.sigstruct.bin",
             root != NULL ? root : "../shared/vectors");
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        skip(name, "the reference vectors are not here");
        return;
    }
    struct sigstruct sig;
    struct launch_view enclave = {.xfrm = 3};
    size_t size = fread(&sig, 1, sizeof sig, file);
    fclose(file);
    from_hex(enclave.mrenclave, sizeof enclave.mrenclave,
             "c50673624a6cb17c1c6c2a4e6906f47a170c4629b8723781d1017ef376f1a75d");
    enclave.attributes = sig.attributes.flags;
    enclave.miscselect = sig.miscselect;
    ok(size == sizeof sig && check(&sig, &enclave) == 0 &&
           sig.attribute_mask.xfrm == ~UINT64_C(0xe4),
       name);
}

static void is_fast(void)
{
    const struct sigstruct sig = example_sigstruct();
    struct launch_view enclave = example_enclave();
    double start = seconds();
    bool good = true;
    for (int i = 0; i < 100; i++)
        good = good && check(&sig, &enclave) == 0;
    double each = (seconds() - start) / 100;
    printf("# one check, with sanitizers: %.0f us\n", each * 1e6);
    /* The aim is 1 ms without sanitizers on a machine with nothing else to do. */
    ok(good && each < 0.02, "a check takes well under 20 ms");
}
