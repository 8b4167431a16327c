// SPDX-License-Identifier: Apache-2.0
/*
 * mmap, munmap and mprotect where they concern enclaves. Each returns 0 when the call is about
 * something else and is to be made as it is; else 1 and the result.
 */
#ifndef SGXSIM_MAPS_H
#define SGXSIM_MAPS_H

#include "enclave.h"

int enclave_mmap(uint64_t address, uint64_t size, int protection, int flags, int fd,
                 uint64_t offset, long *result);
int enclave_munmap(uint64_t address, uint64_t size, long *result);
int enclave_mprotect(uint64_t address, uint64_t size, int protection, long *result);

/* Makes enclave->memory valid; -errno. */
int maps_view(struct enclave *enclave, int fd);

/* ECREATE: maps anew, at the right pages, what the host had mapped before. */
void maps_adopt_early(struct enclave *enclave, int fd);

#endif
