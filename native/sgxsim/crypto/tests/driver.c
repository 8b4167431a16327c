// SPDX-License-Identifier: Apache-2.0
/*
 * Lets the tests in tests/sgxsim-crypto/ ask these files what they make of an input on standard
 * input:
 *
 *   einit FLAGS XFRM MISCSELECT MRENCLAVE [LAUNCHKEYHASH]   a SIGSTRUCT -> error code, MRSIGNER
 *   measure                                                 operations -> MRENCLAVE
 *   sha256                                                  bytes -> digest
 *   cmac KEY                                                bytes -> MAC
 *   egetkey                 platform, identity, KEYREQUEST, any number of these -> error codes,
 * keys ereport                 platform, identity, TARGETINFO, REPORTDATA, KEYID -> REPORT
 *
 * Numbers are hexadecimal. An operation is a byte and its operands, packed: C (ssa_frame_size u32,
 * size u64), A (offset u64, SECINFO), E (offset u64, chunk). A platform is the
 * root key, CPUSVN, the owner's epoch and the seal fuses; an identity the 192 bytes of
 * docs/protocol/platform-service.md. Every answer is computed on both
 * paths; where they differ, the exit status is 3.
 */
#include "../aes_cmac.h"
#include "../keys.h"
#include "../measure.h"
#include "../sigstruct.h"
#include "tap.h"

#define USAGE 2
#define DISAGREE 3
#define INPUT_MAX (4u << 20)

static int einit(struct crypto_engine engine, char *const *args, FILE *out);
static int measure(struct crypto_engine engine, FILE *out);
static int get_key(struct crypto_engine engine, FILE *out);
static int make_report(struct crypto_engine engine, FILE *out);
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
    if (strcmp(args[0], "egetkey") == 0)
        return get_key(engine, out);
    if (strcmp(args[0], "ereport") == 0)
        return make_report(engine, out);
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

#define PLATFORM_SIZE 64
#define IDENTITY_SIZE 192

static void read_platform(struct crypto_engine engine, const uint8_t *bytes,
                          struct key_platform *platform, struct enclave_identity *enclave)
{
    const uint8_t *identity = bytes + PLATFORM_SIZE;
    *platform = (struct key_platform){.engine = engine};
    *enclave = (struct enclave_identity){0};
    memcpy(platform->root_key, bytes, 16);
    memcpy(platform->cpusvn, bytes + 16, 16);
    memcpy(platform->owner_epoch, bytes + 32, 16);
    memcpy(platform->seal_fuses, bytes + 48, 16);
    memcpy(&enclave->attributes, identity, 16);
    memcpy(&enclave->miscselect, identity + 16, 4);
    memcpy(&enclave->isvprodid, identity + 20, 2);
    memcpy(&enclave->isvsvn, identity + 22, 2);
    memcpy(&enclave->configsvn, identity + 24, 2);
    memcpy(enclave->mrenclave, identity + 32, 32);
    memcpy(enclave->mrsigner, identity + 64, 32);
    memcpy(enclave->configid, identity + 96, 64);
    memcpy(enclave->isvfamilyid, identity + 160, 16);
    memcpy(enclave->isvextprodid, identity + 176, 16);
}

static int get_key(struct crypto_engine engine, FILE *out)
{
    struct key_platform platform;
    struct enclave_identity enclave;
    struct keyrequest request;
    const size_t each = PLATFORM_SIZE + IDENTITY_SIZE + sizeof request;
    if (input_size == 0 || input_size % each != 0)
        return USAGE;
    for (size_t at = 0; at < input_size; at += each) {
        uint8_t key[AES128_SIZE] = {0};
        read_platform(engine, input + at, &platform, &enclave);
        memcpy(&request, input + at + PLATFORM_SIZE + IDENTITY_SIZE, sizeof request);
        fprintf(out, "%s%u ", at == 0 ? "" : " ", egetkey(&platform, &enclave, &request, key));
        print_hex(out, key, AES128_SIZE);
    }
    return 0;
}

static int make_report(struct crypto_engine engine, FILE *out)
{
    struct key_platform platform;
    struct enclave_identity enclave;
    struct targetinfo target;
    struct report report;
    const uint8_t *rest = input + PLATFORM_SIZE + IDENTITY_SIZE;
    if (input_size != PLATFORM_SIZE + IDENTITY_SIZE + sizeof target + REPORT_DATA_SIZE + KEYID_SIZE)
        return USAGE;
    read_platform(engine, input, &platform, &enclave);
    memcpy(&target, rest, sizeof target);
    rest += sizeof target;
    ereport(&platform, &enclave, &target, rest, rest + REPORT_DATA_SIZE, &report);
    print_hex(out, (const uint8_t *)&report, sizeof report);
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
