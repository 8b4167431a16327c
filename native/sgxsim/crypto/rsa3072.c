// SPDX-License-Identifier: Apache-2.0
#include "rsa3072.h"
#include "bytes.h"

#define LIMBS (RSA3072_SIZE / 8)
#define DIGEST_SIZE 32

typedef unsigned __int128 wide;

/* DigestInfo of SHA-256, all but the digest (RFC 8017, 9.2 note 1). */
static const uint8_t digest_info[19] = {
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
    0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
};

static bool multiply_and_reduce(uint64_t remainder[LIMBS], const uint64_t a[LIMBS],
                                const uint64_t b[LIMBS], const uint64_t quotient[LIMBS],
                                const uint64_t modulus[LIMBS]);
static void multiply(uint64_t product[2 * LIMBS], const uint64_t a[LIMBS], const uint64_t b[LIMBS]);
static bool less_than(const uint64_t a[LIMBS], const uint64_t b[LIMBS]);
static void load(uint64_t number[LIMBS], const uint8_t *bytes);

bool rsa3072_cube(const struct rsa3072_signature *s, uint8_t cube[RSA3072_SIZE])
{
    uint64_t modulus[LIMBS], signature[LIMBS], q1[LIMBS], q2[LIMBS];
    load(modulus, s->modulus);
    load(signature, s->signature);
    load(q1, s->q1);
    load(q2, s->q2);
    /* A shorter key is easier to factor, and an even one is no product of two odd primes. */
    if (modulus[LIMBS - 1] >> 63 == 0 || (modulus[0] & 1) == 0)
        return false;
    if (!less_than(signature, modulus))
        return false;
    uint64_t square[LIMBS], result[LIMBS];
    if (!multiply_and_reduce(square, signature, signature, q1, modulus))
        return false;
    if (!multiply_and_reduce(result, signature, square, q2, modulus))
        return false;
    memcpy(cube, result, RSA3072_SIZE);
    return true;
}

bool rsa3072_verify(const struct rsa3072_signature *s, const uint8_t digest[DIGEST_SIZE])
{
    uint8_t cube[RSA3072_SIZE];
    if (!rsa3072_cube(s, cube))
        return false;

    /* EMSA-PKCS1-v1_5: 00 01, ff..., 00, DigestInfo; built whole and compared whole, because
     * parsing the cube instead is how forged exponent-3 signatures came to be accepted
     * (CVE-2006-4339). */
    uint8_t expected[RSA3072_SIZE];
    uint8_t *tail = expected + RSA3072_SIZE - DIGEST_SIZE - sizeof digest_info;
    memset(expected, 0xff, sizeof expected);
    expected[0] = 0x00;
    expected[1] = 0x01;
    tail[-1] = 0x00;
    memcpy(tail, digest_info, sizeof digest_info);
    memcpy(tail + sizeof digest_info, digest, DIGEST_SIZE);

    uint8_t difference = 0;
    for (size_t i = 0; i < RSA3072_SIZE; i++)
        difference |= (uint8_t)(expected[i] ^ cube[RSA3072_SIZE - 1 - i]);
    return difference == 0;
}

/*
 * remainder = a*b - quotient*modulus; false unless 0 <= remainder < modulus, which is to say
 * unless the quotient is the floor of a*b / modulus.
 */
static bool multiply_and_reduce(uint64_t remainder[LIMBS], const uint64_t a[LIMBS],
                                const uint64_t b[LIMBS], const uint64_t quotient[LIMBS],
                                const uint64_t modulus[LIMBS])
{
    uint64_t product[2 * LIMBS], subtrahend[2 * LIMBS];
    multiply(product, a, b);
    multiply(subtrahend, quotient, modulus);
    uint64_t borrow = 0, above = 0;
    for (size_t i = 0; i < 2 * LIMBS; i++) {
        wide difference = (wide)product[i] - subtrahend[i] - borrow;
        borrow = (uint64_t)(difference >> 64) & 1;
        if (i < LIMBS)
            remainder[i] = (uint64_t)difference;
        else
            above |= (uint64_t)difference;
    }
    return borrow == 0 && above == 0 && less_than(remainder, modulus);
}

static void multiply(uint64_t product[2 * LIMBS], const uint64_t a[LIMBS], const uint64_t b[LIMBS])
{
    memset(product, 0, 2 * LIMBS * sizeof product[0]);
    for (size_t i = 0; i < LIMBS; i++) {
        uint64_t carry = 0;
        for (size_t j = 0; j < LIMBS; j++) {
            /* At most (2^64-1)^2 + 2*(2^64-1) = 2^128 - 1. */
            wide sum = (wide)a[i] * b[j] + product[i + j] + carry;
            product[i + j] = (uint64_t)sum;
            carry = (uint64_t)(sum >> 64);
        }
        product[i + LIMBS] = carry;
    }
}

static bool less_than(const uint64_t a[LIMBS], const uint64_t b[LIMBS])
{
    for (size_t i = LIMBS; i-- != 0;) {
        if (a[i] != b[i])
            return a[i] < b[i];
    }
    return false;
}

static void load(uint64_t number[LIMBS], const uint8_t *bytes)
{
    memcpy(number, bytes, RSA3072_SIZE);
}
