// SPDX-License-Identifier: Apache-2.0
/* rt_sigprocmask and rt_sigreturn: where the program's view of its mask changes. */
#ifndef SGXSIM_MASK_H
#define SGXSIM_MASK_H

#include "frame.h"
#include "thread.h"

long do_rt_sigprocmask(struct thread *thread, uint64_t how, uint64_t new_user, uint64_t old_user,
                       uint64_t size, struct context *context);
void do_rt_sigreturn(struct thread *thread, struct context *context);

#endif
