/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The imports of module `inclavare:enclave`, for programs in C: docs/protocol/wasm-enclave.md.
 * All answer 0 or an errno of WASI's, which wasi-libc's <errno.h> has.
 */
#ifndef INCLAVARE_ENCLAVE_H
#define INCLAVARE_ENCLAVE_H

#include <stddef.h>
#include <stdint.h>

#define INCLAVARE_IMPORT(name)                                                                     \
    __attribute__((import_module("inclavare:enclave"), import_name(#name)))

enum { ENCLAVE_SEAL_OVERHEAD = 80 };
enum enclave_seal_policy { ENCLAVE_SEAL_BY_ENCLAVE = 1, ENCLAVE_SEAL_BY_SIGNER = 2 };

struct enclave_identity {
    uint8_t mrenclave[32];
    uint8_t mrsigner[32];
    uint64_t attributes;
    uint64_t xfrm;
    uint16_t product;
    uint16_t svn;
    uint8_t zero[12];
};

/* A REPORT for a target's TARGETINFO, NULL for nobody's. */
INCLAVARE_IMPORT(report)
int enclave_report(const uint8_t targetinfo[512], const uint8_t data[64], uint8_t report[432]);

/* A quote; EOVERFLOW and the size needed at *used if the buffer is too small. */
INCLAVARE_IMPORT(quote)
int enclave_quote(const uint8_t data[64], void *buffer, size_t size, size_t *used);

/* Encrypts and authenticates; `aad` is authenticated only. The result is 80 bytes longer. */
INCLAVARE_IMPORT(seal)
int enclave_seal(enum enclave_seal_policy policy, const void *aad, size_t aad_size,
                 const void *data, size_t size, void *buffer, size_t buffer_size, size_t *used);

/* EBADMSG for what another enclave has sealed, or what was changed. */
INCLAVARE_IMPORT(unseal)
int enclave_unseal(const void *aad, size_t aad_size, const void *data, size_t size, void *buffer,
                   size_t buffer_size, size_t *used);

INCLAVARE_IMPORT(identity) int enclave_identity(struct enclave_identity *identity);

/* A connected stream where the manifest allows it. */
INCLAVARE_IMPORT(sock_connect)
int enclave_connect(const char *host, size_t host_length, uint32_t port, int *fd);

#endif
