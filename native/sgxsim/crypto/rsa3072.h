// SPDX-License-Identifier: Apache-2.0
/*
 * The RSA of EINIT: 3072 bits, exponent 3, PKCS#1 v1.5 with SHA-256 (RFC 8017, 8.2.2 and 9.2).
 * The signer supplies the quotients, so nobody has to divide:
 *
 *   Q1 = floor(S^2 / N), Q2 = floor((S^3 - Q1*S*N) / N)
 *
 * Everything is public, so nothing needs to run in constant time.
 */
#ifndef SGXSIM_CRYPTO_RSA3072_H
#define SGXSIM_CRYPTO_RSA3072_H

#include <stdbool.h>
#include <stdint.h>

#define RSA3072_SIZE 384

/* Numbers of RSA3072_SIZE bytes, little-endian, at any alignment. */
struct rsa3072_signature {
    const uint8_t *modulus;
    const uint8_t *signature;
    const uint8_t *q1;
    const uint8_t *q2;
};

/*
 * Computes S^3 mod N into `cube`; false unless N is an odd number of exactly 3072 bits, S < N and
 * both quotients are right.
 */
bool rsa3072_cube(const struct rsa3072_signature *s, uint8_t cube[RSA3072_SIZE]);

/* True when the signature, with its quotients, is N's over a message with this SHA-256. */
bool rsa3072_verify(const struct rsa3072_signature *s, const uint8_t digest[32]);

#endif
