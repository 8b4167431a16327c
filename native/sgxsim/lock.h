// SPDX-License-Identifier: Apache-2.0
/* A lock over futex; zero-initialised is free. Not recursive. */
#ifndef SGXSIM_LOCK_H
#define SGXSIM_LOCK_H

#include "base.h"

struct lock {
    uint32_t state; /* 0 free, 1 held, 2 held and somebody may be waiting */
};

/* All locks there are. In a forked child nobody holds them: the threads stayed in the parent. */
struct locks {
    struct lock blocks, dispositions, enclaves;
};
extern struct locks locks;

void lock_take(struct lock *lock);
void lock_release(struct lock *lock);

#endif
