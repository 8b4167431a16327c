// SPDX-License-Identifier: Apache-2.0
/* What the tests of runelet share. */
#ifndef RUNELET_TESTS_SUPPORT_H
#define RUNELET_TESTS_SUPPORT_H

#include "../../pal/tests/tap.h"
#include "../operations.h"

#include <stddef.h>
#include <sys/types.h>

/* A run without plan, channel, root and descriptors. */
struct run empty_run(void);

/* Bytes of a hexadecimal text of `digits` digits; the caller frees them. */
uint8_t *from_hex(const char *text, size_t digits);

/* Executes one operation with the record that a writer holds; its result, -1 with *f filled. */
int perform(operation *op, struct run *run, struct writer *w, struct failure *f);
void write_list(struct writer *w, const char *const *strings);

/* A new empty directory below /tmp; remove_tree removes it and what is in it. */
void make_scratch(char *path, size_t size);
void remove_tree(const char *path);

/* Descriptors from 3 on that are open. */
int count_descriptors(void);
int64_t clock_ms(void);

/* Runs a function in a child; its exit status, or 128 and the signal that ended it. */
int in_child(int (*function)(void *), void *argument);

#endif
