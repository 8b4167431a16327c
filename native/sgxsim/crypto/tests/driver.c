// SPDX-License-Identifier: Apache-2.0
/*
 * Lets the tests in tests/sgxsim-crypto/ ask these files what they make of an input on standard
 * input:
 *
 *   einit FLAGS XFRM MISCSELECT MRENCLAVE [LAUNCHKEYHASH]   a SIGSTRUCT -> error code, MRSIGNER
 *   measure                                                 operations -> MRENCLAVE
 *   sha256                                                  bytes -> digest
 *   cmac KEY                                                bytes -> MAC
 *
 * Numbers are hexadecimal. An operation is a byte and its operands, packed: C (ssa_frame_size u32,
 * size u64), A (offset u64, SECINFO), E (offset u64, chunk). Every answer is computed on both
 * paths; where they differ, the exit status is 3.
 */
#include "../aes_cmac.h"
#include "../measure.h"
#include "../sigstruct.h"
#include "tap.h"

#define USAGE 2
#define DISAGREE 3
#define INPUT_MAX (4u << 20)

static int einit(struct crypto_engine engine, char *const *args, FILE *out);
static int measure(struct crypto_engine engine, FILE *out);
static int answer(struct crypto_engine engine, char *const *args, FILE *out);
static void print_hex(FILE *out, const uint8_t *bytes, size_t size);

static uint8_t input[INPUT_MAX];
static size_t input_size;

int main(int argc, char *const *argv)
{
    char *texts[2];
    size_t sizes[2];
    const struct crypto_engine engines[2] = {{0}, crypto_engine_detect()};
    if (argc < 2)
        return USAGE;
    input_size = fread(input, 1, sizeof input, stdin);
    for (int i = 0; i < 2; i++) {
        FILE *out = open_memstream(&texts[i], &sizes[i]);
        int status = answer(engines[i], argv + 1, out);
        fclose(out);
        if (status != 0)
            return status;
    }
    bool agree = strcmp(texts[0], texts[1]) == 0;
    puts(texts[0]);
    free(texts[0]);
    free(texts[1]);
    return agree ? 0 : DISAGREE;
}

static int answer(struct crypto_engine engine, char *const *args, FILE *out)
{
    uint8_t result[SHA256_SIZE];
    if (strcmp(args[0], "einit") == 0)
        return einit(engine, args + 1, out);
    if (strcmp(args[0], "measure") == 0)
        return measure(engine, out);
    if (strcmp(args[0], "sha256") == 0) {
        sha256(engine, input, input_size, result);
        print_hex(out, result, SHA256_SIZE);
        return 0;
    }
    uint8_t key[AES128_SIZE];
    if (strcmp(args[0], "cmac") == 0 && args[1] != NULL &&
        from_hex(key, sizeof key, args[1]) == sizeof key) {
        aes128_cmac(engine, key, input, input_size, result);
        print_hex(out, result, AES128_SIZE);
        return 0;
    }
    return USAGE;
}

static int einit(struct crypto_engine engine, char *const *args, FILE *out)
{
    struct sigstruct sig;
    struct launch_view enclave = {0};
    uint8_t launch_key_hash[SHA256_SIZE], mrsigner[SHA256_SIZE] = {0};
    for (int i = 0; i < 4; i++) {
        if (args[i] == NULL)
            return USAGE;
    }
    if (input_size != sizeof sig ||
        from_hex(enclave.mrenclave, SHA256_SIZE, args[3]) != SHA256_SIZE)
        return USAGE;
    memcpy(&sig, input, sizeof sig);
    enclave.attributes = strtoull(args[0], NULL, 16);
    enclave.xfrm = strtoull(args[1], NULL, 16);
    enclave.miscselect = (uint32_t)strtoul(args[2], NULL, 16);
    if (args[4] != NULL) {
        if (from_hex(launch_key_hash, SHA256_SIZE, args[4]) != SHA256_SIZE)
            return USAGE;
        enclave.launch_key_hash = launch_key_hash;
    }
    fprintf(out, "%u ", sigstruct_check(engine, &sig, &enclave, mrsigner));
    print_hex(out, mrsigner, SHA256_SIZE);
    return 0;
}

static int measure(struct crypto_engine engine, FILE *out)
{
    const uint8_t *at = input, *end = input + input_size;
    struct sha256 mrenclave;
    uint8_t digest[SHA256_SIZE];
    sha256_init(&mrenclave, engine);
    while (at != end) {
        char operation = (char)*at++;
        size_t operands = operation == 'C' ? 12 : operation == 'A' ? 8 + 64 : 8 + MEASURE_CHUNK;
        uint64_t number;
        if ((size_t)(end - at) < operands)
            return USAGE;
        memcpy(&number, operation == 'C' ? at + 4 : at, sizeof number);
        if (operation == 'C') {
            uint32_t ssa_frame_size;
            memcpy(&ssa_frame_size, at, sizeof ssa_frame_size);
            measure_ecreate(&mrenclave, engine, ssa_frame_size, number);
        } else if (operation == 'A') {
            measure_eadd(&mrenclave, number, at + 8);
        } else if (operation == 'E') {
            measure_eextend(&mrenclave, number, at + 8);
        } else {
            return USAGE;
        }
        at += operands;
    }
    measure_final(&mrenclave, digest);
    print_hex(out, digest, SHA256_SIZE);
    return 0;
}

static void print_hex(FILE *out, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        fprintf(out, "%02x", bytes[i]);
}
