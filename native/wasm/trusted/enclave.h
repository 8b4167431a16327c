// SPDX-License-Identifier: Apache-2.0
/* The enclave's own addresses, its instructions, and its end. */
#ifndef WASM_ENCLAVE_H
#define WASM_ENCLAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/image.h"

/* From entry.S, or in hosted tests from hosted.c. */
void enclave_host_call(void);
_Noreturn void enclave_end(uint64_t code);
void enclave_trap_entry(void);
uint64_t enclave_accept(const void *secinfo, void *page);
void enclave_accept_leaf(void); /* its ENCLU */

/* The address of offset 0. */
uint8_t *enclave_base(void);
const struct enclave_config *enclave_config(void);

/* Whether the whole of [address, address + size) is the host's. */
bool enclave_is_outside(const void *address, uint64_t size);

/* Random bytes of the processor's. Ends the enclave if it has none: nothing may run without. */
void random_bytes(void *to, size_t size);

/* The program's end, with what is left to write written. */
_Noreturn void program_exit(uint32_t code);

#endif
