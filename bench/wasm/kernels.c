// SPDX-License-Identifier: Apache-2.0
/* What is computed inside the enclave, natively and in other engines: the same source for all.
 * kernels sha256|matrix|nbody prints nanoseconds and a checksum; kernels ocall, ns a host call. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* SHA-256, FIPS 180-4, of 32 MiB in pieces of 64 KiB. */

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t value, int bits)
{
    return value >> bits | value << (32 - bits);
}

static void sha256_block(uint32_t state[8], const uint8_t *block)
{
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++, block += 4)
        w[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 |
               block[3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + w[i - 7] +
               (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) +
               (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(s, state, sizeof(s));
    for (int i = 0; i < 64; i++) {
        uint32_t first = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) +
                         ((s[4] & s[5]) ^ (~s[4] & s[6])) + round_constants[i] + w[i];
        uint32_t second = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) +
                          ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof(*s));
        s[4] += first;
        s[0] = first + second;
    }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
}

static uint64_t sha256(void)
{
    static uint8_t piece[65536];
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    for (size_t i = 0; i < sizeof(piece); i++)
        piece[i] = (uint8_t)(i * 131);
    for (int round = 0; round < 512; round++)
        for (size_t at = 0; at < sizeof(piece); at += 64)
            sha256_block(state, piece + at);
    return (uint64_t)state[0] << 32 | state[7];
}

/* The product of two matrices of doubles, twelve times. */
enum { ORDER = 200 };

static uint64_t matrix(void)
{
    static double a[ORDER][ORDER], b[ORDER][ORDER], c[ORDER][ORDER];
    for (int i = 0; i < ORDER; i++)
        for (int j = 0; j < ORDER; j++) {
            a[i][j] = i - j;
            b[i][j] = (i + j) % 7;
        }
    double sum = 0;
    for (int round = 0; round < 12; round++) {
        a[0][0] = round;
        for (int i = 0; i < ORDER; i++)
            for (int j = 0; j < ORDER; j++) {
                double value = 0;
                for (int k = 0; k < ORDER; k++)
                    value += a[i][k] * b[k][j];
                c[i][j] = value;
            }
        sum += c[0][1] + c[ORDER - 1][ORDER - 2];
    }
    return (uint64_t)(int64_t)sum;
}

/* Five bodies under gravity, symplectic Euler; no square root is left out. */
enum { BODIES = 5 };

static uint64_t nbody(void)
{
    static double place[BODIES][3], speed[BODIES][3], mass[BODIES];
    for (int i = 0; i < BODIES; i++) {
        mass[i] = i == 0 ? 39.5 : 0.001 * i;
        for (int k = 0; k < 3; k++) {
            place[i][k] = i == 0 ? 0 : i * (k + 2.5);
            speed[i][k] = i == 0 ? 0 : (k - 1.0) / i;
        }
    }
    for (int step = 0; step < 500000; step++) {
        for (int i = 0; i < BODIES; i++)
            for (int j = i + 1; j < BODIES; j++) {
                double way[3], square = 0;
                for (int k = 0; k < 3; k++) {
                    way[k] = place[i][k] - place[j][k];
                    square += way[k] * way[k];
                }
                double pull = 0.001 / (square * __builtin_sqrt(square));
                for (int k = 0; k < 3; k++) {
                    speed[i][k] -= way[k] * mass[j] * pull;
                    speed[j][k] += way[k] * mass[i] * pull;
                }
            }
        for (int i = 0; i < BODIES; i++)
            for (int k = 0; k < 3; k++)
                place[i][k] += 0.001 * speed[i][k];
    }
    double sum = 0;
    for (int i = 0; i < BODIES; i++)
        sum += place[i][0];
    return (uint64_t)(int64_t)(sum * 1e6);
}

/* Reading a clock is one call of the host with nothing to copy. */
static uint64_t ocalls(uint64_t count)
{
    uint64_t last = 0;
    for (uint64_t i = 0; i < count; i++)
        last = now_ns();
    return last != 0;
}

int main(int argc, char *argv[])
{
    const char *name = argc > 1 ? argv[1] : "";
    uint64_t calls = strcmp(name, "ocall") == 0 ? 20000 : 1;
    uint64_t before = now_ns(), sum;
    if (strcmp(name, "sha256") == 0)
        sum = sha256();
    else if (strcmp(name, "matrix") == 0)
        sum = matrix();
    else if (strcmp(name, "nbody") == 0)
        sum = nbody();
    else if (calls > 1)
        sum = ocalls(calls);
    else
        return 2;
    printf("%llu %llu\n", (unsigned long long)((now_ns() - before) / calls),
           (unsigned long long)sum);
    return 0;
}
