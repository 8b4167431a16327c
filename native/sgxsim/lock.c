// SPDX-License-Identifier: Apache-2.0
#include "lock.h"
#include <linux/futex.h>

struct locks locks;

/* U. Drepper, "Futexes Are Tricky", mutex 2. */
void lock_take(struct lock *lock)
{
    uint32_t seen = 0;
    if (__atomic_compare_exchange_n(&lock->state, &seen, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    while (__atomic_exchange_n(&lock->state, 2, __ATOMIC_ACQUIRE) != 0)
        call(__NR_futex, &lock->state, FUTEX_WAIT, 2, NULL);
}

void lock_release(struct lock *lock)
{
    if (__atomic_exchange_n(&lock->state, 0, __ATOMIC_RELEASE) == 2)
        call(__NR_futex, &lock->state, FUTEX_WAKE, 1);
}
