// SPDX-License-Identifier: Apache-2.0
/* identity IMAGE SIGSTRUCT MRENCLAVE: prints, in hexadecimal, a report for that enclave, the report
 * key for it, and seal keys: by MRENCLAVE, and by MRSIGNER. */
#include "host.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t base;

static void print(const char *name, const uint8_t *bytes, size_t size)
{
    printf("%s ", name);
    for (size_t i = 0; i < size; i++)
        printf("%02x", bytes[i]);
    printf("\n");
}

static void get_key(const char *label, uint16_t name, uint16_t policy, const uint8_t *key_id)
{
    static uint8_t request[512] __attribute__((aligned(512)));
    uint8_t key[16] = {0};
    memset(request, 0, sizeof request);
    memcpy(request, &name, 2);
    memcpy(request + 2, &policy, 2);
    if (key_id != NULL)
        memcpy(request + 40, key_id, 32);
    struct result result = enclave_call(base, 7, (uint64_t)request, key);
    if (result.rdx != 0)
        printf("%s error %lu zf %lu\n", label, result.rdx, result.rsi);
    else
        print(label, key, sizeof key);
}

int main(int argc, char **argv)
{
    static uint8_t target[512] __attribute__((aligned(512))), report[432];
    size_t size, sigstruct_size;
    const char *step;
    int fd;
    uint8_t *image = read_file(argv[1], &size);
    uint8_t *sigstruct = read_file(argv[2], &sigstruct_size);
    base = build_enclave(image, size, sigstruct, 6, &step, &fd);
    if (base == 0 || argc < 4)
        return 1;
    for (int i = 0; i < 32; i++) {
        unsigned byte;
        sscanf(argv[3] + 2 * i, "%2x", &byte);
        target[i] = (uint8_t)byte;
    }
    memcpy(target + 32, &(uint64_t){7}, 8); /* ATTRIBUTES with INIT */
    memcpy(target + 40, &(uint64_t){3}, 8);
    memcpy(target + 52, &(uint32_t){1}, 4); /* MISCSELECT */
    enclave_call(base, 5, (uint64_t)target, report);
    print("report", report, sizeof report);
    get_key("report-key", 3, 0, report + 384);
    get_key("seal-enclave", 4, 1, NULL);
    get_key("seal-signer", 4, 2, NULL);
    get_key("provision", 1, 0, NULL);
    get_key("unknown", 77, 0, NULL);
    return 0;
}
