// SPDX-License-Identifier: Apache-2.0
/* The smallest enclave that says something. */
#include <stdio.h>

#include "inclavare_enclave.h"

int main(int argc, char **argv)
{
    struct enclave_identity identity;
    if (enclave_identity(&identity) != 0)
        return 1;
    printf("Hello %s from enclave ", argc > 1 ? argv[1] : "world");
    for (size_t i = 0; i < sizeof(identity.mrenclave); i++)
        printf("%02x", identity.mrenclave[i]);
    printf("\n");
    return 0;
}
