// SPDX-License-Identifier: Apache-2.0
#include "vdso_link.h"
#include "layout.h"
#include <linux/elf.h>

#ifndef DT_GNU_HASH
#define DT_GNU_HASH 0x6ffffef5
#endif

/* Read by the vDSO's code at VDSO_TABLE; the linker script puts .bss.table first. */
__attribute__((section(".bss.table"))) static uint64_t table[VDSO_TABLE_ENTRIES];

uint64_t vdso_aep, vdso_exception;

extern const uint8_t vdso_image[], fast_enter[];

struct symbols {
    const Elf64_Sym *symbol;
    const char *names;
    uint32_t count;
    uint64_t bias;
};

/* DT_HASH's second word is the number of symbols. The kernel's vDSO has had it always on x86-64
 * but for 6.10 and later kernels that only have DT_GNU_HASH; there the last chain tells. */
static uint32_t count_by_gnu_hash(const uint32_t *hash)
{
    uint32_t buckets = hash[0], first = hash[1], bloom = hash[2], last = 0;
    const uint32_t *bucket = hash + 4 + 2 * bloom;
    for (uint32_t i = 0; i < buckets; i++)
        if (bucket[i] > last)
            last = bucket[i];
    if (last < first)
        return first;
    const uint32_t *chain = bucket + buckets;
    while ((chain[last - first] & 1) == 0)
        last++;
    return last + 1;
}

static int read_symbols(uint64_t base, struct symbols *symbols)
{
    const Elf64_Ehdr *file = (const Elf64_Ehdr *)base;
    const Elf64_Phdr *segment = (const Elf64_Phdr *)(base + file->e_phoff);
    const Elf64_Dyn *dynamic = NULL;
    int have_bias = 0;
    memset(symbols, 0, sizeof *symbols);
    for (int i = 0; i < file->e_phnum; i++) {
        if (segment[i].p_type == PT_DYNAMIC)
            dynamic = (const Elf64_Dyn *)(base + segment[i].p_offset);
        if (segment[i].p_type == PT_LOAD && !have_bias) {
            symbols->bias = base + segment[i].p_offset - segment[i].p_vaddr;
            have_bias = 1;
        }
    }
    for (; dynamic != NULL && dynamic->d_tag != DT_NULL; dynamic++) {
        uint64_t address = symbols->bias + dynamic->d_un.d_ptr;
        if (dynamic->d_tag == DT_SYMTAB)
            symbols->symbol = (const Elf64_Sym *)address;
        else if (dynamic->d_tag == DT_STRTAB)
            symbols->names = (const char *)address;
        else if (dynamic->d_tag == DT_HASH)
            symbols->count = ((const uint32_t *)address)[1];
        else if (dynamic->d_tag == DT_GNU_HASH && symbols->count == 0)
            symbols->count = count_by_gnu_hash((const uint32_t *)address);
    }
    return symbols->symbol != NULL && symbols->names != NULL;
}

static uint64_t find(const struct symbols *symbols, const char *name)
{
    for (uint32_t i = 1; i < symbols->count; i++) {
        const Elf64_Sym *symbol = &symbols->symbol[i];
        if (symbol->st_shndx != 0 && strcmp(symbols->names + symbol->st_name, name) == 0)
            return symbols->bias + symbol->st_value;
    }
    return 0;
}

/* In place of functions that the kernel's vDSO lacks: callers then make the system call. */
static long not_there(void)
{
    return -ENOSYS;
}

uint64_t vdso_start(uint64_t kernel_vdso)
{
    static const char *const names[VDSO_FORWARDS] = {
        [VDSO_CLOCK_GETTIME] = "__vdso_clock_gettime",
        [VDSO_GETTIMEOFDAY] = "__vdso_gettimeofday",
        [VDSO_TIME] = "__vdso_time",
        [VDSO_GETCPU] = "__vdso_getcpu",
        [VDSO_CLOCK_GETRES] = "__vdso_clock_getres",
        [VDSO_GETRANDOM] = "__vdso_getrandom",
    };
    struct symbols kernel, own;
    int have_kernel = kernel_vdso != 0 && read_symbols(kernel_vdso, &kernel);
    for (unsigned i = 0; i < VDSO_FORWARDS; i++) {
        table[i] = have_kernel ? find(&kernel, names[i]) : 0;
        if (table[i] == 0)
            table[i] = (uint64_t)not_there;
    }
    table[VDSO_FAST_ENTER] = (uint64_t)fast_enter;
    read_symbols((uint64_t)vdso_image, &own);
    vdso_aep = find(&own, "sgxsim_aep");
    vdso_exception = find(&own, "sgxsim_exception");
    return (uint64_t)vdso_image;
}
