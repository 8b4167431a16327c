// SPDX-License-Identifier: Apache-2.0
#include "hosted.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "trusted/enclave.h"
#include "trusted/heap.h"
#include "trusted/host.h"
#include "trusted/instructions.h"
#include "trusted/plain_memory.h"
#include "trusted/tree.h"

struct shared hosted_shared;
jmp_buf hosted_end;
uint64_t hosted_heap_left;
void (*hosted_host)(struct shared *);

static uint64_t state;
static uint8_t *base;
static struct {
    struct enclave_config config;
    uint8_t manifest[HOSTED_MANIFEST_MAX];
} configuration;

void hosted_seed(uint64_t seed)
{
    state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

/* xorshift64* */
uint64_t hosted_random(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

void hosted_begin(const uint8_t *manifest, uint32_t size)
{
    uint8_t *area = mmap(NULL, 3 * HOSTED_MEMORY, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED || size > HOSTED_MANIFEST_MAX ||
        mprotect(area + HOSTED_MEMORY, HOSTED_MEMORY, PROT_READ | PROT_WRITE) < 0)
        abort();
    base = area;
    configuration.config = (struct enclave_config){
        .magic = CONFIG_MAGIC,
        .version = 1,
        .manifest_size = size,
        .enclave_size = 3 * HOSTED_MEMORY,
        .memory = HOSTED_MEMORY,
        .memory_size = HOSTED_MEMORY,
        .memory_maximum = HOSTED_MEMORY,
    };
    memcpy(configuration.manifest, manifest, size);
    if (host_attach(&hosted_shared, sizeof(hosted_shared)) < 0)
        abort();
}

uint8_t *enclave_base(void)
{
    return base;
}

const struct enclave_config *enclave_config(void)
{
    return &configuration.config;
}

bool enclave_is_outside(const void *address, uint64_t size)
{
    (void)address;
    (void)size;
    return true;
}

void enclave_host_call(void)
{
    hosted_host(&hosted_shared);
}

void enclave_end(uint64_t code)
{
    longjmp(hosted_end, 1 + (int)(code & 0xff));
}

void enclave_trap_entry(void)
{
    abort();
}

void enclave_accept_leaf(void)
{
    abort();
}

void program_exit(uint32_t code)
{
    tree_write_all();
    enclave_end(code);
}

void enclu_report(const uint8_t *targetinfo, const uint8_t *data, uint8_t *report)
{
    memset(report, 7, 432);
    memcpy(report + 320, data, 64);
    report[0] = targetinfo[0];
}

/* Some function of the request. */
uint32_t enclu_key(const uint8_t *request, uint8_t *key)
{
    memset(key, 0, 16);
    for (int i = 0; i < 512; i++)
        key[i % 16] = (uint8_t)(key[i % 16] * 31 + request[i] + i);
    return 0;
}

bool enclu_accept(uint8_t *page)
{
    (void)page;
    return false;
}

bool rdrand(uint64_t *value)
{
    *value = hosted_random();
    return hosted_random() % 8 != 0;
}

void heap_init(uint8_t *start, size_t size)
{
    (void)start;
    (void)size;
}

/* The size is before the block, as heap_resize has to know it. */
void *heap_allocate(size_t size)
{
    if (size > hosted_heap_left)
        return NULL;
    size_t *block = calloc(1, 16 + size);
    if (block == NULL)
        abort();
    hosted_heap_left -= size;
    block[0] = size;
    return block + 2;
}

void *heap_resize(void *memory, size_t size)
{
    void *place = heap_allocate(size);
    if (memory == NULL || place == NULL)
        return place;
    size_t before = ((size_t *)memory)[-2];
    memcpy(place, memory, before < size ? before : size);
    heap_free(memory);
    return place;
}

void heap_free(void *memory)
{
    if (memory == NULL)
        return;
    hosted_heap_left += ((size_t *)memory)[-2];
    free((size_t *)memory - 2);
}

/* plain_memory.c has memcpy too, which is the sanitizer's here. */
bool equal_in_constant_time(const void *left, const void *right, size_t size)
{
    return memcmp(left, right, size) == 0;
}

void wipe(void *memory, size_t size)
{
    memset(memory, 0, size);
}
