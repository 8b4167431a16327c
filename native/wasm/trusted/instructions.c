// SPDX-License-Identifier: Apache-2.0
#include "instructions.h"

#include "enclave.h"

enum { EREPORT = 0, EGETKEY = 1 };

/* SECINFO of a page to accept: read, write, PENDING, of type REG (SDM volume 3D, 34.12). */
#define SECINFO_ACCEPT UINT64_C(0x20b)

static uint32_t enclu(uint32_t leaf, const void *rbx, void *rcx, void *rdx)
{
    uint64_t result = leaf;
    __asm__ volatile(".byte 0x0f, 0x01, 0xd7"
                     : "+a"(result)
                     : "b"(rbx), "c"(rcx), "d"(rdx)
                     : "memory", "cc");
    return (uint32_t)result;
}

void enclu_report(const uint8_t *targetinfo, const uint8_t *data, uint8_t *report)
{
    enclu(EREPORT, targetinfo, (void *)data, report);
}

uint32_t enclu_key(const uint8_t *request, uint8_t *key)
{
    return enclu(EGETKEY, request, key, 0);
}

bool enclu_accept(uint8_t *page)
{
    static const struct {
        _Alignas(64) uint64_t flags;
        uint64_t reserved[7];
    } secinfo = {.flags = SECINFO_ACCEPT};
    return enclave_accept(&secinfo, page) == 0;
}

bool rdrand(uint64_t *value)
{
    unsigned char ok;
    __asm__ volatile("rdrand %0; setc %1" : "=r"(*value), "=qm"(ok)::"cc");
    return ok;
}
