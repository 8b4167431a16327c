// SPDX-License-Identifier: Apache-2.0
/*
 * MRENCLAVE: the SHA-256 of what builds an enclave, in records of 64 bytes (SDM vol. 3D, ECREATE,
 * EADD, EEXTEND):
 *
 *   ECREATE   @0 "ECREATE\0"      @8 SSAFRAMESIZE u32 (pages)  @12 SIZE u64 (bytes)   @20 zero
 *   EADD      @0 "EADD\0\0\0\0"   @8 page's offset u64         @16 SECINFO's first 48 bytes
 *   EEXTEND   @0 "EEXTEND\0"      @8 chunk's offset u64        @16 zero
 *             then the chunk itself, 256 bytes
 */
#ifndef SGXSIM_CRYPTO_MEASURE_H
#define SGXSIM_CRYPTO_MEASURE_H

#include <stdint.h>
#include "architecture.h"
#include "sha256.h"

#define MEASURE_CHUNK 256

void measure_ecreate(struct sha256 *mrenclave, struct crypto_engine engine, uint32_t ssa_frame_size,
                     uint64_t size);
void measure_eadd(struct sha256 *mrenclave, uint64_t offset,
                  const uint8_t secinfo[SGX_SECINFO_SIZE]);
void measure_eextend(struct sha256 *mrenclave, uint64_t offset, const uint8_t chunk[MEASURE_CHUNK]);
void measure_final(const struct sha256 *mrenclave, uint8_t digest[SHA256_SIZE]);

#endif
