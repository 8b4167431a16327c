// SPDX-License-Identifier: Apache-2.0
#include "sigstruct_check.h"

#include <stdbool.h>
#include <string.h>

#include "enclave_error.h"
#include "sgxsim/crypto/sha256.h"

static const struct crypto_engine portable;

#define LIMBS (SGX_RSA_SIZE / 8)

static bool has_form(const uint8_t *sigstruct);
static bool signature_holds(const uint8_t *sigstruct);
static bool masked_equal(const uint8_t *sigstruct, enum sigstruct_offset value,
                         enum sigstruct_offset mask, uint64_t actual);

int sigstruct_check(const uint8_t sigstruct[SGX_SIGSTRUCT_SIZE], const struct enclave_claim *claim)
{
    if (!has_form(sigstruct))
        return SGX_INVALID_SIG_STRUCT;
    if (!signature_holds(sigstruct))
        return SGX_INVALID_SIGNATURE;
    if (memcmp(claim->mrenclave, sigstruct + SIGSTRUCT_ENCLAVEHASH, SGX_HASH_SIZE) != 0)
        return SGX_INVALID_MEASUREMENT;
    if (!masked_equal(sigstruct, SIGSTRUCT_ATTRIBUTES, SIGSTRUCT_ATTRIBUTES_MASK,
                      claim->attributes) ||
        !masked_equal(sigstruct, SIGSTRUCT_XFRM, SIGSTRUCT_XFRM_MASK, claim->xfrm))
        return SGX_INVALID_ATTRIBUTE;
    uint32_t value, mask;
    memcpy(&value, sigstruct + SIGSTRUCT_MISCSELECT, 4);
    memcpy(&mask, sigstruct + SIGSTRUCT_MISCMASK, 4);
    if ((claim->miscselect & mask) != (value & mask))
        return SGX_INVALID_ATTRIBUTE;
    return 0;
}

void sigstruct_mrsigner(const uint8_t sigstruct[SGX_SIGSTRUCT_SIZE],
                        uint8_t mrsigner[SGX_HASH_SIZE])
{
    struct sha256 hash;
    sha256_init(&hash, portable);
    sha256_update(&hash, sigstruct + SIGSTRUCT_MODULUS, SGX_RSA_SIZE);
    sha256_final(&hash, mrsigner);
}

static bool has_form(const uint8_t *sigstruct)
{
    static const uint8_t header[16] = {6, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0};
    static const uint8_t header2[16] = {1, 1, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 1, 0, 0, 0};
    static const uint8_t zero[84];
    uint32_t vendor, exponent;
    memcpy(&vendor, sigstruct + 16, 4);
    memcpy(&exponent, sigstruct + SIGSTRUCT_EXPONENT, 4);
    return memcmp(sigstruct, header, 16) == 0 && memcmp(sigstruct + 24, header2, 16) == 0 &&
           (vendor == 0 || vendor == 0x8086) && exponent == 3 &&
           memcmp(sigstruct + 44, zero, 84) == 0 && memcmp(sigstruct + 910, zero, 2) == 0 &&
           memcmp(sigstruct + 992, zero, 16) == 0 && memcmp(sigstruct + 1028, zero, 12) == 0;
}

static bool masked_equal(const uint8_t *sigstruct, enum sigstruct_offset value,
                         enum sigstruct_offset mask, uint64_t actual)
{
    uint64_t wanted, bits;
    memcpy(&wanted, sigstruct + value, 8);
    memcpy(&bits, sigstruct + mask, 8);
    return (actual & bits) == (wanted & bits);
}

/* Little-endian 64-bit limbs; `product` has twice as many. */
static void multiply(uint64_t product[2 * LIMBS], const uint64_t a[LIMBS], const uint64_t b[LIMBS])
{
    memset(product, 0, 2 * LIMBS * sizeof(uint64_t));
    for (int i = 0; i < LIMBS; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < LIMBS; j++) {
            unsigned __int128 sum = (unsigned __int128)a[i] * b[j] + product[i + j] + carry;
            product[i + j] = (uint64_t)sum;
            carry = (uint64_t)(sum >> 64);
        }
        product[i + LIMBS] = carry;
    }
}

static bool is_below(const uint64_t a[LIMBS], const uint64_t b[LIMBS])
{
    for (int i = LIMBS - 1; i >= 0; i--) {
        if (a[i] != b[i])
            return a[i] < b[i];
    }
    return false;
}

/* remainder = a*b - quotient*modulus; false unless that lies in [0, modulus). */
static bool reduce(uint64_t remainder[LIMBS], const uint64_t a[LIMBS], const uint64_t b[LIMBS],
                   const uint64_t quotient[LIMBS], const uint64_t modulus[LIMBS])
{
    uint64_t product[2 * LIMBS], multiple[2 * LIMBS];
    multiply(product, a, b);
    multiply(multiple, quotient, modulus);
    uint64_t borrow = 0;
    for (int i = 0; i < 2 * LIMBS; i++) {
        unsigned __int128 difference = (unsigned __int128)product[i] - multiple[i] - borrow;
        product[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1;
    }
    for (int i = LIMBS; i < 2 * LIMBS; i++) {
        if (product[i] != 0)
            return false;
    }
    memcpy(remainder, product, LIMBS * sizeof(uint64_t));
    return borrow == 0 && is_below(remainder, modulus);
}

/* S^2 = Q1*M + R, S*R = Q2*M + cube, and the cube is the padded hash (RFC 8017, 9.2). */
static bool signature_holds(const uint8_t *sigstruct)
{
    uint64_t modulus[LIMBS], signature[LIMBS], q1[LIMBS], q2[LIMBS], square[LIMBS], cube[LIMBS];
    memcpy(modulus, sigstruct + SIGSTRUCT_MODULUS, SGX_RSA_SIZE);
    memcpy(signature, sigstruct + SIGSTRUCT_SIGNATURE, SGX_RSA_SIZE);
    memcpy(q1, sigstruct + SIGSTRUCT_Q1, SGX_RSA_SIZE);
    memcpy(q2, sigstruct + SIGSTRUCT_Q2, SGX_RSA_SIZE);
    if (!is_below(signature, modulus) || !reduce(square, signature, signature, q1, modulus) ||
        !reduce(cube, signature, square, q2, modulus))
        return false;

    static const uint8_t digest_info[19] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
                                            0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                            0x01, 0x05, 0x00, 0x04, 0x20};
    uint8_t expected[SGX_RSA_SIZE];
    memset(expected, 0xff, sizeof(expected));
    expected[0] = 0;
    expected[1] = 1;
    expected[SGX_RSA_SIZE - 52] = 0;
    memcpy(expected + SGX_RSA_SIZE - 51, digest_info, sizeof(digest_info));
    struct sha256 hash;
    sha256_init(&hash, portable);
    sha256_update(&hash, sigstruct, 128);
    sha256_update(&hash, sigstruct + 900, 128);
    sha256_final(&hash, expected + SGX_RSA_SIZE - 32);
    for (int i = 0; i < SGX_RSA_SIZE; i++) {
        if ((uint8_t)(cube[i / 8] >> (8 * (i % 8))) != expected[SGX_RSA_SIZE - 1 - i])
            return false;
    }
    return true;
}
