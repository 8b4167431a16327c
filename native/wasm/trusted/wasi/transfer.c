// SPDX-License-Identifier: Apache-2.0
#include "wasi/transfer.h"

#include "heap.h"
#include "host.h"
#include "memory.h"
#include "plain_memory.h"

enum { IOVEC_SIZE = 8 };

struct part {
    uint32_t address, size;
};

/* Precondition: vectors_check() has seen the array. */
static struct part part_of(uint32_t address, uint32_t index)
{
    struct part part;
    memcpy(&part, guest(address + index * IOVEC_SIZE, IOVEC_SIZE), sizeof(part));
    return part;
}

bool vectors_check(uint32_t address, uint32_t count, struct vectors *vectors)
{
    if (guest(address, (uint64_t)count * IOVEC_SIZE) == NULL)
        return false;
    uint64_t size = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct part part = part_of(address, i);
        if (guest(part.address, part.size) == NULL)
            return false;
        size += part.size;
    }
    *vectors = (struct vectors){address, count,
                                size < SHARED_DATA_SIZE ? (uint32_t)size : SHARED_DATA_SIZE};
    return true;
}

uint8_t *transfer_buffer(void)
{
    static uint8_t *buffer;
    if (buffer == NULL)
        buffer = heap_allocate(SHARED_DATA_SIZE);
    return buffer;
}

bool vectors_to_host(const struct vectors *vectors)
{
    if (vectors->count == 1) {
        host_put(0, guest(part_of(vectors->address, 0).address, vectors->size), vectors->size);
        return true;
    }
    uint8_t *buffer = transfer_buffer();
    if (buffer == NULL)
        return false;
    vectors_gather(vectors, buffer);
    host_put(0, buffer, vectors->size);
    return true;
}

bool vectors_from_host(const struct vectors *vectors, size_t size)
{
    if (vectors->count == 1) {
        host_get(guest(part_of(vectors->address, 0).address, size), 0, size);
        return true;
    }
    uint8_t *buffer = transfer_buffer();
    if (buffer == NULL)
        return false;
    host_get(buffer, 0, size);
    vectors_scatter(vectors, buffer, size);
    return true;
}

void vectors_gather(const struct vectors *vectors, uint8_t *to)
{
    size_t done = 0;
    for (uint32_t i = 0; i < vectors->count && done < vectors->size; i++) {
        struct part part = part_of(vectors->address, i);
        size_t left = vectors->size - done;
        size_t size = part.size < left ? part.size : left;
        memcpy(to + done, guest(part.address, size), size);
        done += size;
    }
}

/* Parts may overlap the array itself: what it says is read anew each time, and checked again. */
void vectors_scatter(const struct vectors *vectors, const uint8_t *from, size_t size)
{
    size_t done = 0;
    for (uint32_t i = 0; i < vectors->count && done < size; i++) {
        struct part part = part_of(vectors->address, i);
        size_t left = size - done;
        size_t length = part.size < left ? part.size : left;
        void *place = guest(part.address, length);
        if (place == NULL)
            return;
        memcpy(place, from + done, length);
        done += length;
    }
}
