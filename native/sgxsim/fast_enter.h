// SPDX-License-Identifier: Apache-2.0
/* EENTER from the vDSO without a trap. */
#ifndef SGXSIM_FAST_ENTER_H
#define SGXSIM_FAST_ENTER_H

#include "frame.h"
#include "thread.h"

/* Called by fast_enter (entry.S): makes everything ready for thread_enter, without any effect that
 * could be seen if it does not come to that. NULL when EENTER must trap. */
struct thread *prepare_fast_enter(uint64_t tcs, uint64_t aep);

/* The word at FS:0; 0 where there is no memory. A fault at read_fs_word_access is to be continued
 * at read_fs_word_fault. */
uint64_t read_fs_word(void);
extern const uint8_t read_fs_word_access[], read_fs_word_fault[];

/* A signal has interrupted thread_enter: takes the entry back or completes it. */
void settle_fast_enter(struct thread *thread, struct context *context);

#endif
