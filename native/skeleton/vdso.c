// SPDX-License-Identifier: Apache-2.0
/* Finds a function in the kernel's vDSO, for which libc has no call that works everywhere. */
#include <elf.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

#include "enter.h"

static const char wanted[] = "__vdso_sgx_enter_enclave";

static const void *dynamic_entry(const Elf64_Dyn *dynamic, Elf64_Sxword tag, uint64_t bias)
{
    for (; dynamic->d_tag != DT_NULL; dynamic++) {
        if (dynamic->d_tag == tag)
            return (const void *)(dynamic->d_un.d_ptr + bias);
    }
    return NULL;
}

/* The vDSO is the kernel's (or the simulated platform's): its own offsets are trusted. */
void *vdso_enter_function(void)
{
    uint64_t base = getauxval(AT_SYSINFO_EHDR);
    if (base == 0)
        return NULL;
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)base;
    const Elf64_Phdr *segment = (const Elf64_Phdr *)(base + header->e_phoff);
    const Elf64_Dyn *dynamic = NULL;
    uint64_t bias = 0;
    for (int i = header->e_phnum - 1; i >= 0; i--) {
        if (segment[i].p_type == PT_DYNAMIC)
            dynamic = (const Elf64_Dyn *)(base + segment[i].p_offset);
        if (segment[i].p_type == PT_LOAD)
            bias = base + segment[i].p_offset - segment[i].p_vaddr;
    }
    if (dynamic == NULL)
        return NULL;
    const char *strings = dynamic_entry(dynamic, DT_STRTAB, bias);
    const Elf64_Sym *symbols = dynamic_entry(dynamic, DT_SYMTAB, bias);
    const uint32_t *hash = dynamic_entry(dynamic, DT_HASH, bias);
    if (strings == NULL || symbols == NULL || hash == NULL)
        return NULL;
    uint32_t symbol_count = hash[1];
    for (uint32_t i = 0; i < symbol_count; i++) {
        if (symbols[i].st_shndx != SHN_UNDEF && strcmp(strings + symbols[i].st_name, wanted) == 0)
            return (void *)(bias + symbols[i].st_value);
    }
    return NULL;
}
