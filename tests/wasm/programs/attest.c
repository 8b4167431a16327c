// SPDX-License-Identifier: Apache-2.0
/* seal: the imports that need no service; quote: a quote in hexadecimal. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "inclavare_enclave.h"

static void print_hex(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        printf("%02x", bytes[i]);
}

static int seal(void)
{
    static const uint8_t data[64] = "chosen";
    struct enclave_identity identity;
    uint8_t report[432], sealed[256], text[256];
    size_t size, back;
    if (enclave_identity(&identity) != 0 || enclave_report(NULL, data, report) != 0)
        return 3;
    printf("identity ");
    print_hex(identity.mrenclave, 32);
    printf(" %d %d\nreport ", identity.product, identity.svn);
    print_hex(report + 64, 32);
    printf("\n");
    if (memcmp(report + 320, data, 64) != 0)
        return 4;
    for (int policy = 1; policy <= 2; policy++) {
        if (enclave_seal(policy, "aad", 3, "secret", 6, sealed, sizeof(sealed), &size) != 0 ||
            size != 6 + ENCLAVE_SEAL_OVERHEAD)
            return 5;
        if (enclave_unseal("aad", 3, sealed, size, text, sizeof(text), &back) != 0 || back != 6 ||
            memcmp(text, "secret", 6) != 0)
            return 6;
        if (enclave_unseal("AAD", 3, sealed, size, text, sizeof(text), &back) != EBADMSG)
            return 7;
        for (size_t at = 0; at < size; at++) {
            sealed[at] ^= 1;
            if (enclave_unseal("aad", 3, sealed, size, text, sizeof(text), &back) != EBADMSG)
                return 8;
            sealed[at] ^= 1;
        }
    }
    if (enclave_seal(3, "", 0, "", 0, sealed, sizeof(sealed), &size) != EINVAL ||
        enclave_seal(1, "", 0, "secret", 6, sealed, 85, &size) != EOVERFLOW)
        return 9;
    printf("sealed and unsealed\n");
    return 0;
}

int main(int argc, char **argv)
{
    static uint8_t quote[16384];
    static const uint8_t data[64] = "chosen";
    size_t size;
    if (argc > 1 && strcmp(argv[1], "seal") == 0)
        return seal();
    int error = enclave_quote(data, quote, sizeof(quote), &size);
    if (error != 0) {
        printf("%s\n", strerror(error));
        return 1;
    }
    print_hex(quote, size);
    return 0;
}
