// SPDX-License-Identifier: Apache-2.0
/* The enclave page cache: how large CPUID says it is, and, with --epc, how many pages there may be.
 */
#ifndef SGXSIM_EPC_H
#define SGXSIM_EPC_H

#include "base.h"

#define EPC_DEFAULT_MIB 64

/* Reads a size like 4096K, 64M or 2G, of whole MiB up to 1 TiB; 0 for anything else. */
uint32_t epc_read_size(const char *word);

/* Sets the size; with `enforced` this process's enclaves may have no more pages than that. */
void epc_start(uint32_t mib, int enforced);

uint64_t epc_size(void);

/* Whether `count` pages more fit. The lock of enclaves is held. */
int epc_has_room(uint64_t count);

#endif
