// SPDX-License-Identifier: Apache-2.0
#include "exit_stubs.h"
#include "own_memory.h"
#include "fast_exit.h"
#include "log.h"
#include "segment_bases.h"
#include <linux/mman.h>

#define STUB_SIZE (2 * PAGE_SIZE) /* code, then what it reads */
#define REACH (1UL << 31)         /* of a jump with a 32-bit distance */
#define ENCLU "\x0f\x01\xd7"
#define CPUID_BMI2 (1u << 8) /* leaf 7, EBX: RORX, which leaves the flags alone */

/* The second page of a stub; the code is in exit_stub.S. */
struct stub_data {
    uint64_t entry; /* the search by GS base, or fast_exit */
    uint64_t minus_base;
    uint64_t table; /* the slots, one for each page of the enclave */
    uint64_t found;
};
extern const uint8_t exit_stub_code[], exit_stub_by_gs[], exit_stub_code_end[];

/* The two ways a compiler loads EEXIT's number, directly before ENCLU. */
static const struct form {
    uint8_t size;
    char load[8], jump_end[4]; /* what follows the jump's five bytes */
} forms[] = {
    {5, "\xb8\x04\0\0\0", ""},                 /* mov $4, %eax */
    {7, "\x48\xc7\xc0\x04\0\0\0", "\x66\x90"}, /* mov $4, %rax; then a NOP of two bytes */
};
#define JUMP 0xe9
#define JUMP_SIZE 5

static int enabled, has_rorx;
static uint64_t nowhere;         /* the slot of entries that no stub will look for */
static uint64_t stub_ranges[64]; /* addresses of the stubs there are, for is_exit_stub */

void exit_stubs_start(int allowed)
{
    uint32_t eax = 7, ebx, ecx = 0, edx;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    enabled = allowed;
    has_rorx = (ebx & CPUID_BMI2) != 0;
}

/* Whether a stub's pages at `address` can be had and are in reach of some of the enclave. */
static int try_place(uint64_t address)
{
    return (uint64_t)call(__NR_mmap, address, STUB_SIZE, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == address;
}

/* Hosts often reserve more than the enclave's range around it; hence the further places. */
static uint64_t find_place(const struct enclave *enclave, int above)
{
    for (uint64_t away = 0; away < REACH / 2; away = away == 0 ? 1UL << 16 : away << 3) {
        uint64_t end = enclave->base + enclave->size;
        uint64_t at = above ? end + away : enclave->base - STUB_SIZE - away;
        if ((above || enclave->base > STUB_SIZE + away) && try_place(at))
            return at;
    }
    return 0;
}

static int remember(uint64_t stub)
{
    for (unsigned i = 0; i < COUNT(stub_ranges); i++) {
        uint64_t none = 0;
        if (__atomic_compare_exchange_n(&stub_ranges[i], &none, stub, 0, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
            return 1;
    }
    return 0;
}

static void forget_stub(uint64_t *stub)
{
    if (*stub == 0)
        return;
    call(__NR_munmap, *stub, STUB_SIZE);
    for (unsigned i = 0; i < COUNT(stub_ranges); i++)
        if (stub_ranges[i] == *stub)
            stub_ranges[i] = 0;
    *stub = 0;
}

int is_exit_stub(uint64_t rip)
{
    for (unsigned i = 0; i < COUNT(stub_ranges); i++)
        if (stub_ranges[i] != 0 && rip - stub_ranges[i] < PAGE_SIZE)
            return 1;
    return 0;
}

static struct stub_data *data_of(uint64_t stub)
{
    return (struct stub_data *)(stub + PAGE_SIZE);
}

static void write_stub(const struct enclave *enclave, uint64_t stub)
{
    uint64_t by_gs = stub + (uint64_t)(exit_stub_by_gs - exit_stub_code);
    memcpy((void *)stub, exit_stub_code, (size_t)(exit_stub_code_end - exit_stub_code));
    *data_of(stub) = (struct stub_data){
        .entry = enclave->exit_table != NULL ? by_gs : (uint64_t)fast_exit,
        .minus_base = -enclave->base,
        .table = (uint64_t)enclave->exit_table,
        .found = (uint64_t)fast_exit_found,
    };
    call(__NR_mprotect, stub, PAGE_SIZE, PROT_READ | PROT_EXEC);
}

static int is_tcs(const struct enclave *enclave, uint64_t index)
{
    return page_of(enclave, index)->type == PAGE_TCS;
}

static uint64_t gs_page(const struct enclave *enclave, uint64_t index)
{
    const struct tcs *tcs = (const struct tcs *)(enclave->memory + index * PAGE_SIZE);
    return tcs->ogsbase / PAGE_SIZE;
}

/* A slot a page: two TCSs with the same GS base would share one. */
static int bases_differ(const struct enclave *enclave, uint64_t *table)
{
    int differ = 1;
    for (int pass = 0; pass < 2; pass++)
        PAGES_OF(enclave, index)
        {
            if (!is_tcs(enclave, index) || gs_page(enclave, index) >= enclave->size / PAGE_SIZE)
                continue;
            uint64_t *slot = &table[gs_page(enclave, index)];
            differ &= pass == 1 || *slot == 0;
            *slot = pass == 0;
        }
    return differ;
}

static void make_table(struct enclave *enclave)
{
    uint64_t size = page_up(enclave->size / PAGE_SIZE * sizeof(uint64_t));
    if (!kernel_keeps_bases() || !has_rorx)
        return;
    long at = own_memory(size);
    if (is_error(at))
        return;
    if (bases_differ(enclave, (uint64_t *)at))
        enclave->exit_table = (uint64_t *)at;
    else
        call(__NR_munmap, at, size);
}

uint64_t *exit_slot_of(struct enclave *enclave, const struct tcs *tcs)
{
    if (enclave->exit_table == NULL || tcs->ogsbase >= enclave->size)
        return &nowhere;
    return &enclave->exit_table[tcs->ogsbase / PAGE_SIZE];
}

void exit_stubs_new_tcs(struct enclave *enclave, uint64_t new)
{
    if (enclave->exit_table == NULL)
        return;
    PAGES_OF(enclave, index)
    {
        if (index == new || !is_tcs(enclave, index) ||
            gs_page(enclave, index) != gs_page(enclave, new))
            continue;
        for (int i = 0; i < 2; i++)
            if (enclave->stubs[i] != 0)
                __atomic_store_n(&data_of(enclave->stubs[i])->entry, (uint64_t)fast_exit,
                                 __ATOMIC_SEQ_CST);
    }
}

/* The jump at `site` goes to a stub of this enclave. */
static int jumps_to_stub(const struct enclave *enclave, const uint8_t *site, uint64_t address)
{
    int32_t distance;
    memcpy(&distance, site + 1, sizeof distance);
    uint64_t target = address + JUMP_SIZE + (uint64_t)(int64_t)distance;
    return site[0] == JUMP && target != 0 &&
           (target == enclave->stubs[0] || target == enclave->stubs[1]);
}

static int put_jump(const struct enclave *enclave, uint8_t *site, uint64_t address,
                    const struct form *form)
{
    for (int i = 0; i < 2; i++) {
        int64_t distance = (int64_t)(enclave->stubs[i] - (address + JUMP_SIZE));
        if (enclave->stubs[i] == 0 || distance != (int32_t)distance)
            continue;
        int32_t short_distance = (int32_t)distance;
        site[0] = JUMP;
        memcpy(site + 1, &short_distance, sizeof short_distance);
        memcpy(site + JUMP_SIZE, form->jump_end, form->size - JUMP_SIZE);
        return 1;
    }
    return 0;
}

struct found {
    unsigned exits, other, out_of_reach;
};

/* An ENCLU at `enclu`, of code that begins at `start`: puts the jump in, or takes it out. */
static void treat(const struct enclave *enclave, uint8_t *start, uint8_t *enclu, int put,
                  struct found *found)
{
    for (unsigned i = 0; i < COUNT(forms); i++) {
        const struct form *form = &forms[i];
        if ((uint64_t)(enclu - start) < form->size)
            continue;
        uint8_t *site = enclu - form->size;
        uint64_t address = enclave->base + (uint64_t)(site - enclave->memory);
        if (put && memcmp(site, form->load, form->size) == 0) {
            if (put_jump(enclave, site, address, form))
                found->exits++;
            else
                found->out_of_reach++;
            return;
        }
        if (!put && jumps_to_stub(enclave, site, address) &&
            memcmp(site + JUMP_SIZE, form->jump_end, form->size - JUMP_SIZE) == 0) {
            memcpy(site, form->load, form->size);
            return;
        }
    }
    found->other++;
}

static void treat_code(const struct enclave *enclave, uint64_t first, uint64_t end, int put,
                       struct found *found)
{
    uint8_t *start = enclave->memory + first * PAGE_SIZE;
    uint8_t *stop = enclave->memory + end * PAGE_SIZE;
    for (uint8_t *at = start; at + 3 <= stop; at++)
        if (*at == 0x0f && memcmp(at, ENCLU, 3) == 0)
            treat(enclave, start, at, put, found);
}

static int is_code(const struct enclave *enclave, uint64_t index)
{
    const struct page *page = page_of(enclave, index);
    return index < enclave->size / PAGE_SIZE && page->valid && page->type == PAGE_REG &&
           (page->permissions & 4) != 0;
}

static struct found treat_all(const struct enclave *enclave, int put)
{
    struct found found = {.exits = 0};
    uint64_t done = 0;
    PAGES_OF(enclave, index)
    {
        if (index < done || !is_code(enclave, index))
            continue;
        done = index + 1;
        while (is_code(enclave, done))
            done++;
        treat_code(enclave, index, done, put, &found);
    }
    return found;
}

void exit_stubs_remove(struct enclave *enclave)
{
    if (enclave->exit_table != NULL)
        call(__NR_munmap, enclave->exit_table,
             page_up(enclave->size / PAGE_SIZE * sizeof(uint64_t)));
    enclave->exit_table = NULL;
    forget_stub(&enclave->stubs[0]);
    forget_stub(&enclave->stubs[1]);
}

/* A stub in the pages at `stub`; 0, with the pages given back, when there are too many. */
static uint64_t start_stub(const struct enclave *enclave, uint64_t stub)
{
    if (stub == 0)
        return 0;
    if (!remember(stub)) {
        call(__NR_munmap, stub, STUB_SIZE);
        return 0;
    }
    write_stub(enclave, stub);
    return stub;
}

void exit_stubs_install(struct enclave *enclave)
{
    if (!enabled)
        return;
    make_table(enclave);
    for (int i = 0; i < 2; i++)
        enclave->file->stubs[i] = enclave->stubs[i] = start_stub(enclave, find_place(enclave, i));
    struct found found = treat_all(enclave, 1);
    note("EEXIT without a trap: %u places found, thread by %s; %u out of reach; %u other ENCLU",
         found.exits, enclave->exit_table != NULL ? "GS base" : "being alone inside",
         found.out_of_reach, found.other);
}

/* The addresses are another process's choice. What it cannot be trusted with costs no more than it
 * may do anyway: it can write the enclave's code. */
void exit_stubs_adopt(struct enclave *enclave)
{
    int complete = enabled;
    if (enclave->file->stubs[0] == 0 && enclave->file->stubs[1] == 0)
        return;
    if (enabled)
        make_table(enclave);
    for (int i = 0; i < 2; i++) {
        uint64_t stub = enclave->file->stubs[i];
        if (stub == 0 || !complete)
            continue;
        enclave->stubs[i] = try_place(stub) ? start_stub(enclave, stub) : 0;
        complete = enclave->stubs[i] != 0;
    }
    if (complete)
        return;
    note("EEXIT without a trap: the stubs' place is taken in this process; they are given up");
    exit_stubs_remove(enclave);
    memcpy(enclave->stubs, enclave->file->stubs, sizeof enclave->stubs);
    treat_all(enclave, 0);
    memset(enclave->stubs, 0, sizeof enclave->stubs);
    memset(enclave->file->stubs, 0, sizeof enclave->file->stubs);
}
