// SPDX-License-Identifier: Apache-2.0
/*
 * The imports of module `inclavare:enclave`. Addresses are of linear memory; answers are errnos of
 * WASI's. docs/protocol/wasm-enclave.md.
 */
#ifndef WASM_ENCLAVE_CALLS_H
#define WASM_ENCLAVE_CALLS_H

#include "wasi/wasi.h"

#define ENCLAVE(name) Z_inclavareZ3AenclaveZ_##name

/* target: TARGETINFO of 512 bytes, or 0 for none; data: 64 bytes; out: 432 bytes. */
u32 ENCLAVE(report)(void *, u32 target, u32 data, u32 out);
/* A quote with 64 bytes of data; its size at `used`, also where the buffer is too small. */
u32 ENCLAVE(quote)(void *, u32 data, u32 buf, u32 buf_len, u32 used);
/* policy: 1 by enclave, 2 by signer; aad is authenticated and not kept. 80 bytes longer. */
u32 ENCLAVE(seal)(void *, u32 policy, u32 aad, u32 aad_len, u32 data, u32 data_len, u32 buf,
                  u32 buf_len, u32 used);
u32 ENCLAVE(unseal)(void *, u32 aad, u32 aad_len, u32 data, u32 data_len, u32 buf, u32 buf_len,
                    u32 used);
/* 96 bytes: MRENCLAVE 32, MRSIGNER 32, attributes u64, XFRM u64, product u16, svn u16, zeros 12. */
u32 ENCLAVE(identity)(void *, u32 out);
/* A stream to host:port, if the manifest allows it; the new descriptor at `opened`. */
u32 ENCLAVE(sock_connect)(void *, u32 host, u32 host_len, u32 port, u32 opened);

#endif
