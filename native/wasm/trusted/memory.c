// SPDX-License-Identifier: Apache-2.0
/* Also what wasm2c's code wants of its embedder for memories and tables (wasm-rt.h). */
#include "memory.h"

#include <wasm-rt.h>

#include "enclave.h"
#include "heap.h"
#include "instructions.h"
#include "plain_memory.h"
#include "traps.h"

#define WASM_PAGE UINT64_C(65536)
/* wasm2c keeps the size in 32 bits. */
#define WASM_PAGES_MAX UINT64_C(65535)

static wasm_rt_memory_t *memory;
static bool may_grow;
static uint64_t present; /* of it, bytes that the enclave has: loaded, or accepted */

static bool commit(uint64_t start, uint64_t end);

void memory_allow_growth(bool can_grow)
{
    may_grow = can_grow;
}

void *guest(uint32_t at, uint64_t size)
{
    if (memory == NULL || size > memory->size || at > memory->size - size)
        return NULL;
    return memory->data + at;
}

bool guest_put32(uint32_t at, uint32_t value)
{
    void *place = guest(at, sizeof(value));
    if (place == NULL)
        return false;
    memcpy(place, &value, sizeof(value));
    return true;
}

bool guest_put64(uint32_t at, uint64_t value)
{
    void *place = guest(at, sizeof(value));
    if (place == NULL)
        return false;
    memcpy(place, &value, sizeof(value));
    return true;
}

void wasm_rt_allocate_memory(wasm_rt_memory_t *made, uint32_t initial_pages, uint32_t max_pages)
{
    const struct enclave_config *config = enclave_config();
    if (memory != NULL)
        trap_with("the module has two memories");
    made->data = enclave_base() + config->memory;
    made->pages = 0;
    made->size = 0;
    made->max_pages = max_pages;
    memory = made;
    if (wasm_rt_grow_memory(made, initial_pages) == UINT32_MAX)
        trap_with("the module's initial memory does not fit in the enclave's");
}

uint32_t wasm_rt_grow_memory(wasm_rt_memory_t *grown, uint32_t pages)
{
    uint32_t before = grown->pages;
    uint64_t after = (uint64_t)before + pages;
    if (after > grown->max_pages || after > WASM_PAGES_MAX ||
        !commit(before * WASM_PAGE, after * WASM_PAGE))
        return UINT32_MAX;
    grown->pages = (uint32_t)after;
    grown->size = (uint32_t)(after * WASM_PAGE);
    return before;
}

void wasm_rt_free_memory(wasm_rt_memory_t *freed)
{
    (void)freed; /* ends with the enclave */
}

/*
 * Makes [start, end) of linear memory usable and zero. What EADD brought without measurement has
 * contents of the host's choice and is cleared; what EAUG brings is zero, and EACCEPT proves it.
 * What an earlier growth had accepted before it failed has been within the program's reach since.
 */
static bool commit(uint64_t start, uint64_t end)
{
    const struct enclave_config *config = enclave_config();
    uint8_t *base = enclave_base() + config->memory;
    if (end > config->memory_size && (!may_grow || end > config->memory_maximum))
        return false;
    if (present < config->memory_size)
        present = config->memory_size;
    uint64_t loaded = end < present ? end : present;
    if (start < loaded)
        memset(base + start, 0, loaded - start);
    for (; present < end; present += PAGE_SIZE) {
        if (!enclu_accept(base + present))
            return false;
    }
    return true;
}

void wasm_rt_allocate_funcref_table(wasm_rt_funcref_table_t *table, uint32_t elements,
                                    uint32_t max_elements)
{
    table->data = heap_allocate(elements * sizeof(wasm_rt_funcref_t));
    if (table->data == NULL)
        trap_with("the module's table does not fit in the runtime's memory");
    table->size = elements;
    table->max_size = max_elements;
}

void wasm_rt_free_funcref_table(wasm_rt_funcref_table_t *table)
{
    heap_free(table->data);
    table->data = NULL;
    table->size = 0;
}

uint32_t wasm_rt_grow_funcref_table(wasm_rt_funcref_table_t *table, uint32_t delta,
                                    wasm_rt_funcref_t init)
{
    uint32_t before = table->size;
    uint64_t after = (uint64_t)before + delta;
    if (after > table->max_size || after > UINT32_MAX)
        return UINT32_MAX;
    wasm_rt_funcref_t *data = heap_resize(table->data, after * sizeof(wasm_rt_funcref_t));
    if (data == NULL)
        return UINT32_MAX;
    table->data = data;
    table->size = (uint32_t)after;
    for (uint64_t i = before; i < after; i++)
        data[i] = init;
    return before;
}

void wasm_rt_allocate_externref_table(wasm_rt_externref_table_t *table, uint32_t elements,
                                      uint32_t max_elements)
{
    table->data = heap_allocate(elements * sizeof(wasm_rt_externref_t));
    if (table->data == NULL)
        trap_with("the module's table does not fit in the runtime's memory");
    table->size = elements;
    table->max_size = max_elements;
}

void wasm_rt_free_externref_table(wasm_rt_externref_table_t *table)
{
    heap_free(table->data);
    table->data = NULL;
    table->size = 0;
}

uint32_t wasm_rt_grow_externref_table(wasm_rt_externref_table_t *table, uint32_t delta,
                                      wasm_rt_externref_t init)
{
    uint32_t before = table->size;
    uint64_t after = (uint64_t)before + delta;
    if (after > table->max_size || after > UINT32_MAX)
        return UINT32_MAX;
    wasm_rt_externref_t *data = heap_resize(table->data, after * sizeof(wasm_rt_externref_t));
    if (data == NULL)
        return UINT32_MAX;
    table->data = data;
    table->size = (uint32_t)after;
    for (uint64_t i = before; i < after; i++)
        data[i] = init;
    return before;
}
