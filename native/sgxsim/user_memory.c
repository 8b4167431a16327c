// SPDX-License-Identifier: Apache-2.0
#include "user_memory.h"

/* Page by page: the string may end just before memory that cannot be read. */
long read_user_string(char *to, uint64_t from, size_t size)
{
    size_t done = 0;
    while (done < size) {
        size_t part = PAGE_SIZE - ((from + done) & PAGE_MASK);
        if (part > size - done)
            part = size - done;
        if (read_user(to + done, from + done, part) != 0)
            return -EFAULT;
        for (size_t i = done; i < done + part; i++)
            if (to[i] == 0)
                return (long)i;
        done += part;
    }
    return -ENAMETOOLONG;
}
