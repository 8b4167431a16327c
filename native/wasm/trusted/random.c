// SPDX-License-Identifier: Apache-2.0
#include "enclave.h"
#include "instructions.h"
#include "plain_memory.h"
#include "traps.h"

/* Intel's recommendation is 10; more costs nothing (Digital Random Number Generator guide, 5.2.1).
 */
enum { ATTEMPTS = 32 };

void random_bytes(void *to, size_t size)
{
    uint8_t *target = to;
    while (size > 0) {
        uint64_t value;
        int attempt = 0;
        while (!rdrand(&value)) {
            if (++attempt == ATTEMPTS)
                trap_with("the processor has no random numbers");
        }
        size_t part = size < sizeof(value) ? size : sizeof(value);
        memcpy(target, &value, part);
        wipe(&value, sizeof(value));
        target += part;
        size -= part;
    }
}
