// SPDX-License-Identifier: Apache-2.0
/* The ends that nobody wanted: exit status 134, and a line that says why. */
#ifndef WASM_TRAPS_H
#define WASM_TRAPS_H

#include <stdint.h>

enum { EXIT_TRAP = 134, EXIT_NOT_STARTED = 126 };

/* A trap that has no number in wasm-rt.h. */
_Noreturn void trap_with(const char *reason);

/* The program cannot start as it is asked to. */
_Noreturn void refuse_to_start(const char *reason, const char *subject);

/*
 * On the exception stack; `registers` is GPRSGX of the SSA frame. 0 if ERESUME may go on, at the
 * trap that it has been given; else the host lies about an exception.
 */
uint64_t enclave_exception(uint64_t *registers);

/* Entered from enclave_trap_entry with the kind that enclave_exception chose. */
_Noreturn void enclave_trap(uint64_t kind);

_Noreturn void __stack_chk_fail(void);

#endif
