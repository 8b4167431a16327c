// SPDX-License-Identifier: Apache-2.0
/* Memory for the emulator itself. An enclave that comes from another process has its address from
 * there: what the kernel gives to whoever asks for any address could lie in its range. */
#ifndef SGXSIM_OWN_MEMORY_H
#define SGXSIM_OWN_MEMORY_H

#include "base.h"

/* mmap at an address of the emulator's part of the address space (layout.h); -errno on failure. */
long own_map(uint64_t size, int protection, int flags, int fd, uint64_t offset);

/* Zeroed private memory; -errno on failure. */
long own_memory(uint64_t size);

#endif
