// SPDX-License-Identifier: Apache-2.0
/*
 * The enclave page cache: how large CPUID says it is, and, with --epc, how many pages there may be.
 * With --epc-pool enclaves are files of the tmpfs at EPC_POOL, whose size all processes share that
 * see it: a container's. The kernel counts, and takes back what the last descriptor and mapping of
 * an enclave let go, however its processes ended.
 */
#ifndef SGXSIM_EPC_H
#define SGXSIM_EPC_H

#include "base.h"

#define EPC_DEFAULT_MIB 64
#define EPC_POOL "/dev/.sgx_epc"

extern int epc_pool; /* --epc-pool */

/* Reads a size like 4096K, 64M or 2G, of whole MiB up to 1 TiB; 0 for anything else. */
uint32_t epc_read_size(const char *word);

/* Sets the size; with `enforced` this process's enclaves may have no more pages than that. */
void epc_start(uint32_t mib, int enforced);

uint64_t epc_size(void);

/* Whether `count` pages more fit. The lock of enclaves is held. */
int epc_has_room(uint64_t count);

/* A new file for an enclave: its descriptor, or -errno. Without a pool, and where the program's
 * root has none, a memfd. */
long epc_file(int close_on_exec);

/* Whether a descriptor's seals are those of such a file: it cannot shrink, or is of the pool. */
int epc_knows_seals(long seals);

/* Makes the pool give the file's memory at `address`, of a shared mapping, now: touched when the
 * pool is empty it would be SIGBUS. 0 or -ENOMEM. */
int epc_take(const void *address, uint64_t size);

#endif
