// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel selftests' loader and signer without their tests: writes the SIGSTRUCT that they make
 * for an ELF file to standard output. Linked with their load.c, sigstruct.c and sign_key.S.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include "defines.h"
#include "main.h"

int main(int argc, char *argv[])
{
    static struct encl enclave;

    if (argc != 3 || !encl_load(argv[1], &enclave, strtoul(argv[2], NULL, 0)))
        return 1;
    if (!encl_measure(&enclave))
        return 2;
    return fwrite(&enclave.sigstruct, sizeof enclave.sigstruct, 1, stdout) != 1;
}
