// SPDX-License-Identifier: Apache-2.0
/* Processors that lack one thing. Prints TAP. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pal/processor.h"

enum { XFRM_SSE = 3, XFRM_AVX = 7 };

/* SDM volume 2, CPUID: the bits of x86-64-v2, AES-NI, PCLMULQDQ, XSAVE, OSXSAVE, RDRAND; and v3's.
 */
static const struct {
    uint32_t leaf;
    int at;
    uint32_t base, avx;
} known[] = {
    {1, 2, UINT32_C(0x4e982203), UINT32_C(0x30401000)},
    {7, 1, 0, UINT32_C(0x128)},
    {0x80000001, 2, UINT32_C(0x1), UINT32_C(0x20)},
};
enum { KNOWN = sizeof(known) / sizeof(known[0]) };

static int count, failures;
static uint32_t bits[KNOWN];
static bool avx_too;

static void check(bool ok, const char *name)
{
    printf("%sok %d - %s\n", ok ? "" : "not ", ++count, name);
    failures += !ok;
}

static void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t registers[4])
{
    memset(registers, 0, 4 * sizeof(*registers));
    for (int i = 0; i < KNOWN; i++) {
        if (known[i].leaf == leaf && subleaf == 0)
            registers[known[i].at] = bits[i];
    }
}

static void complete(bool avx)
{
    avx_too = avx;
    for (int i = 0; i < KNOWN; i++)
        bits[i] = known[i].base | (avx ? known[i].avx : 0);
}

/* How many single bits are missed, of all that can be taken away. */
static int missed(uint64_t xfrm)
{
    int found = 0;
    for (int i = 0; i < KNOWN; i++) {
        for (int bit = 0; bit < 32; bit++) {
            complete(avx_too);
            if (!(bits[i] >> bit & 1))
                continue;
            bits[i] &= ~(UINT32_C(1) << bit);
            found += processor_lacks(cpuid, xfrm) != NULL;
        }
    }
    complete(avx_too);
    return found;
}

/* What processor_check() writes to standard error. */
static int checked(uint64_t xfrm, char *text, size_t size)
{
    int file = memfd_create("stderr", MFD_CLOEXEC), before = dup(STDERR_FILENO);
    if (file < 0 || before < 0)
        return 1;
    dup2(file, STDERR_FILENO);
    int result = processor_check(cpuid, xfrm);
    dup2(before, STDERR_FILENO);
    ssize_t length = pread(file, text, size - 1, 0);
    text[length < 0 ? 0 : length] = '\0';
    close(before);
    close(file);
    return result;
}

int main(void)
{
    char text[512];
    complete(false);
    check(processor_lacks(cpuid, XFRM_SSE) == NULL, "x86-64-v2 with AES suffices");
    check(missed(XFRM_SSE) == 12, "and each part of it is needed");
    const char *lacks = processor_lacks(cpuid, XFRM_AVX);
    check(lacks != NULL && strcmp(lacks, "AVX") == 0, "an enclave with AVX needs AVX");
    complete(true);
    check(processor_lacks(cpuid, XFRM_AVX) == NULL, "x86-64-v3 suffices it");
    check(missed(XFRM_AVX) == 20, "and each part of it is needed");
    check(missed(XFRM_SSE) == 12, "but not by other enclaves");

    bits[0] &= ~(UINT32_C(1) << 25);
    check(checked(XFRM_SSE, text, sizeof(text)) == -EOPNOTSUPP &&
              strstr(text, "no AES-NI") != NULL && strstr(text, "-cpu host") != NULL,
          "the error names what is missing, and a way out");
    complete(true);
    bits[1] = 0;
    check(checked(XFRM_AVX, text, sizeof(text)) == -EOPNOTSUPP && strstr(text, "no BMI1") != NULL &&
              strstr(text, "enclave.avx") != NULL,
          "and for AVX what wants it");
    check(checked(XFRM_SSE, text, sizeof(text)) == 0 && text[0] == '\0',
          "and else nothing is said");
    uint32_t registers[4];
    cpuid_of_processor(UINT32_C(0x7fffffff), 0, registers);
    check((registers[0] | registers[1] | registers[2] | registers[3]) == 0,
          "a leaf that no processor has is empty");
    printf("1..%d\n", count);
    return failures != 0;
}
