// SPDX-License-Identifier: Apache-2.0
/*
 * Blocks in address order, each with a header; first fit. The runtime has few blocks, so that a
 * walk is short.
 */
#include "heap.h"

#include <stdbool.h>

#include "plain_memory.h"

struct block {
    size_t size; /* of what follows, a multiple of 16 */
    size_t used; /* bytes asked for; 0 is a free block */
};
_Static_assert(sizeof(struct block) == 16, "keeps the alignment");

enum { ALIGNMENT = 16 };

static uint8_t *heap_start, *heap_end;

static struct block *next_of(struct block *block)
{
    return (struct block *)((uint8_t *)(block + 1) + block->size);
}

static bool is_end(const struct block *block)
{
    return (const uint8_t *)block >= heap_end;
}

void heap_init(uint8_t *start, size_t size)
{
    heap_start = start;
    heap_end = start + size;
    struct block *all = (struct block *)start;
    all->size = size - sizeof(struct block);
    all->used = 0;
}

void *heap_allocate(size_t size)
{
    if (size > (size_t)(heap_end - heap_start))
        return NULL;
    size_t wanted = size == 0 ? ALIGNMENT : (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    for (struct block *block = (struct block *)heap_start; !is_end(block); block = next_of(block)) {
        if (block->used != 0)
            continue;
        for (struct block *next = next_of(block); !is_end(next) && next->used == 0;
             next = next_of(block))
            block->size += sizeof(struct block) + next->size;
        if (block->size < wanted)
            continue;
        if (block->size >= wanted + sizeof(struct block) + ALIGNMENT) {
            size_t rest = block->size - wanted - sizeof(struct block);
            block->size = wanted;
            *next_of(block) = (struct block){.size = rest};
        }
        block->used = size == 0 ? 1 : size;
        return memset(block + 1, 0, block->size);
    }
    return NULL;
}

void *heap_resize(void *memory, size_t size)
{
    if (memory == NULL)
        return heap_allocate(size);
    struct block *block = (struct block *)memory - 1;
    if (size != 0 && size <= block->size) {
        if (size < block->used)
            wipe((uint8_t *)memory + size, block->used - size);
        block->used = size;
        return memory;
    }
    void *place = heap_allocate(size);
    if (place == NULL)
        return NULL;
    memcpy(place, memory, block->used < size ? block->used : size);
    heap_free(memory);
    return place;
}

void heap_free(void *memory)
{
    if (memory == NULL)
        return;
    struct block *block = (struct block *)memory - 1;
    wipe(memory, block->used);
    block->used = 0;
}
