// SPDX-License-Identifier: Apache-2.0
#include "platform.h"
#include "options.h"
#include "xstate.h"

static struct key_platform processor;
static uint8_t key_id[KEYID_SIZE];

/*
 * The root of all simulated keys, the same on every machine and known to everybody: sealed data,
 * reports and keys of this platform prove nothing. A platform service will hold a key of its own.
 */
static void sim_root_key(uint8_t key[AES128_SIZE])
{
    memcpy(key, "simulation only!", AES128_SIZE);
}

void platform_start(void)
{
    if (!portable)
        processor.engine = crypto_engine_detect();
    sim_root_key(processor.root_key);
    memset(processor.cpusvn, 1, sizeof processor.cpusvn);
    memset(key_id, 0x5a, sizeof key_id);
}

const struct key_platform *platform(void)
{
    return &processor;
}

const uint8_t *report_key_id(void)
{
    return key_id;
}

static void set(uint32_t answer[4], uint32_t eax, uint32_t ebx, uint32_t ecx, uint32_t edx)
{
    answer[0] = eax;
    answer[1] = ebx;
    answer[2] = ecx;
    answer[3] = edx;
}

/* SDM vol. 3D, 33.7.2, "Intel SGX Resource Enumeration Leaves". */
static void sgx_leaf(uint32_t subleaf, uint32_t answer[4])
{
    uint64_t xfrm = xstate_enabled();
    switch (subleaf) {
    case 0: /* SGX1, SGX2; MISCSELECT; largest enclaves of 32-bit and 64-bit mode */
        return set(answer, 3, SUPPORTED_MISCSELECT, 0, LARGEST_ENCLAVE_BITS << 8 | 31);
    case 1: /* which ATTRIBUTES may be set */
        return set(answer, (uint32_t)SUPPORTED_ATTRIBUTES, 0, (uint32_t)xfrm,
                   (uint32_t)(xfrm >> 32));
    case 2: /* one EPC section, with confidentiality and integrity in the words of CPUID */
        return set(answer, 0x80000001, 0, (uint32_t)EPC_SIZE | 1, 0);
    default:
        return set(answer, 0, 0, 0, 0);
    }
}

void platform_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t answer[4])
{
    if (leaf == 0 && answer[0] < 0x12) {
        answer[0] = 0x12;
    } else if (leaf == 7 && subleaf == 0) {
        answer[1] |= 1u << 2;  /* SGX */
        answer[2] |= 1u << 30; /* SGX_LC */
    } else if (leaf == 0x12) {
        sgx_leaf(subleaf, answer);
    }
}
