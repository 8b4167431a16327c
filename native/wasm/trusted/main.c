// SPDX-License-Identifier: Apache-2.0
/* Where entry.S comes to: a run of the program, or a report for the host. */
#include <elf.h>

#include "app.h"
#include "descriptors.h"
#include "enclave.h"
#include "heap.h"
#include "host.h"
#include "manifest.h"
#include "tree.h"
#include "report.h"
#include "plain_memory.h"
#include "traps.h"
#include "vectors.h"

enum { ATTRIBUTE_DEBUG = 2 };
enum { LINUX_EPERM = 1, LINUX_EINVAL = 22 };

_Noreturn void enclave_main(struct shared *shared, uint64_t size);
uint64_t enclave_report(struct shared *shared, uint64_t size);

/* Hidden, so that RIP-relative code reaches them before anything is relocated. */
#pragma GCC visibility push(hidden)
extern const uint8_t __ehdr_start[];
extern const Elf64_Dyn _DYNAMIC[];
#pragma GCC visibility pop

static const struct enclave_config *config;
static bool relocated;

static void prepare(void);
static void relocate(void);
static void check_debug(void);

uint8_t *enclave_base(void)
{
    return (uint8_t *)__ehdr_start;
}

const struct enclave_config *enclave_config(void)
{
    return config;
}

bool enclave_is_outside(const void *address, uint64_t size)
{
    uint64_t start = (uint64_t)address, base = (uint64_t)enclave_base(), end;
    if (start == 0 || __builtin_add_overflow(start, size, &end))
        return false;
    return end <= base || start >= base + config->enclave_size;
}

/* Called once, on the enclave's stack; the arguments are the host's. */
void enclave_main(struct shared *shared, uint64_t size)
{
    prepare();
    if (host_attach(shared, size) < 0)
        enclave_end(EXIT_NOT_STARTED);
    heap_init(enclave_base() + config->heap, config->heap_size);
    check_debug();
    vectors_init();
    descriptors_init();
    app_run();
    program_exit(0);
}

/*
 * A report about this enclave, with data of the host's choice: only where the manifest says so,
 * for a program's own report could say nothing if the host could have the same made.
 */
uint64_t enclave_report(struct shared *shared, uint64_t size)
{
    prepare();
    if (host_attach(shared, size) < 0)
        return (uint64_t)-LINUX_EINVAL;
    if (!(manifest_flags() & MANIFEST_HOST_REPORTS))
        return (uint64_t)-LINUX_EPERM;
    uint8_t targetinfo[TARGETINFO_SIZE], data[REPORT_DATA_SIZE], report[REPORT_SIZE];
    host_get(targetinfo, 0, sizeof(targetinfo));
    host_get(data, TARGETINFO_SIZE, sizeof(data));
    report_make(targetinfo, data, report);
    host_put(0, report, sizeof(report));
    return 0;
}

void program_exit(uint32_t code)
{
    if (!tree_write_all() && code == 0)
        code = EXIT_NOT_WRITTEN;
    enclave_end(code & 0xff);
}

static void prepare(void)
{
    if (!relocated)
        relocate();
    relocated = true;
    uint64_t offset;
    __asm__("mov %%gs:%c1, %0" : "=r"(offset) : "i"(offsetof(struct thread_page, config)));
    config = (const struct enclave_config *)(enclave_base() + offset);
}

/* The image is a static PIE at an address of the host's choice, in pages that are writable. */
static void relocate(void)
{
    uint64_t base = (uint64_t)enclave_base();
    uint64_t table = 0, size = 0;
    for (const Elf64_Dyn *entry = _DYNAMIC; entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_RELA)
            table = entry->d_un.d_ptr;
        if (entry->d_tag == DT_RELASZ)
            size = entry->d_un.d_val;
    }
    const Elf64_Rela *relocation = (const Elf64_Rela *)(base + table);
    for (uint64_t i = 0; i < size / sizeof(*relocation); i++) {
        if (ELF64_R_TYPE(relocation[i].r_info) != R_X86_64_RELATIVE)
            __builtin_trap();
        *(uint64_t *)(base + relocation[i].r_offset) = base + (uint64_t)relocation[i].r_addend;
    }
}

/* SIGSTRUCT's mask says the same to the processor: this is the enclave's own word. */
static void check_debug(void)
{
    static const uint8_t nothing[TARGETINFO_SIZE];
    uint8_t report[REPORT_SIZE];
    uint64_t attributes;
    report_make(nothing, nothing, report);
    memcpy(&attributes, report + REPORT_ATTRIBUTES, sizeof(attributes));
    if ((attributes & ATTRIBUTE_DEBUG) && !(manifest_flags() & MANIFEST_DEBUG))
        refuse_to_start("the manifest does not allow a debuggable enclave", NULL);
}
