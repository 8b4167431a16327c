// SPDX-License-Identifier: Apache-2.0
/*
 * Asking the host. Everything it answers is hostile: each member is read once, into the enclave,
 * and checked here; what an answer means is for the caller to doubt.
 */
#ifndef WASM_HOST_H
#define WASM_HOST_H

#include <stddef.h>
#include <stdint.h>

#include "shared/calls.h"

/* Takes the host's memory, once, at entry. -1 if it is not all outside the enclave. */
int host_attach(struct shared *shared, uint64_t size);

/* Puts bytes into the shared data, before a call. Precondition: they fit. */
void host_put(size_t offset, const void *from, size_t size);

/* Takes bytes out of the shared data, after a call. Precondition: they are in it. */
void host_get(void *to, size_t offset, size_t size);

/*
 * One call. The answer is at least 0, or a negated errno number: what is below -4095 is made -EIO,
 * and so is what is above `most`.
 */
int64_t host_call(enum host_operation operation, uint64_t first, uint64_t second, uint64_t third,
                  uint64_t fourth, int64_t most);

/* The fifth argument of the next call. */
void host_fifth(uint64_t argument);

/* The second answer of the last call. */
uint64_t host_extra(void);

/* What ENTER_RUN brings, copied in. */
struct host_vectors {
    uint32_t argument_count, argument_bytes, variable_count, variable_bytes, can_grow;
};
struct host_vectors host_vectors(void);

/* A line on the container's standard error. Best effort. */
void host_log(const char *text);

/* Answers that are no more than a success, and those that are a descriptor of the host's. */
#define ANSWER_NONE 0
#define ANSWER_DESCRIPTOR INT32_MAX
#define ANSWER_ANY INT64_MAX

#endif
