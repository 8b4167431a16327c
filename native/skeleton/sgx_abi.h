// SPDX-License-Identifier: Apache-2.0
/*
 * What the in-tree SGX driver and the vDSO want: arch/x86/include/uapi/asm/sgx.h of Linux 5.11 and
 * later, and the structures of the SDM, volume 3D, chapter 34. Little-endian, x86-64 only.
 */
#ifndef SKELETON_SGX_ABI_H
#define SKELETON_SGX_ABI_H

#include <stdint.h>
#include <sys/ioctl.h>

#define SGX_PAGE_SIZE 4096
#define SGX_SIGSTRUCT_SIZE 1808
#define SGX_RSA_SIZE 384
#define SGX_HASH_SIZE 32

#define SGX_ATTR_DEBUG UINT64_C(0x2)
#define SGX_ATTR_MODE64BIT UINT64_C(0x4)
#define SGX_XFRM_LEGACY UINT64_C(0x3)
#define SGX_MISC_EXINFO UINT32_C(0x1)

#define SGX_SECINFO_R UINT64_C(0x1)
#define SGX_SECINFO_W UINT64_C(0x2)
#define SGX_SECINFO_X UINT64_C(0x4)
#define SGX_SECINFO_TCS UINT64_C(0x100)
#define SGX_SECINFO_REG UINT64_C(0x200)

struct sgx_secs {
    uint64_t size;           /* @0 */
    uint64_t base;           /* @8 */
    uint32_t ssa_frame_size; /* @16, pages */
    uint32_t miscselect;     /* @20 */
    uint8_t reserved1[24];
    uint64_t attributes; /* @48 */
    uint64_t xfrm;       /* @56 */
    uint8_t rest[4096 - 64];
};
_Static_assert(sizeof(struct sgx_secs) == 4096, "SECS is a page");

struct sgx_secinfo {
    uint64_t flags;
    uint8_t reserved[56];
};

struct sgx_tcs {
    uint64_t state;
    uint64_t flags;
    uint64_t ossa; /* @16 */
    uint32_t cssa;
    uint32_t nssa;
    uint64_t oentry; /* @32 */
};

/* The fields between keys of SIGSTRUCT are read by offset: sigstruct_check.c. */
enum sigstruct_offset {
    SIGSTRUCT_SWDEFINED = 40,
    SIGSTRUCT_MODULUS = 128,
    SIGSTRUCT_EXPONENT = 512,
    SIGSTRUCT_SIGNATURE = 516,
    SIGSTRUCT_MISCSELECT = 900,
    SIGSTRUCT_MISCMASK = 904,
    SIGSTRUCT_ATTRIBUTES = 928,
    SIGSTRUCT_XFRM = 936,
    SIGSTRUCT_ATTRIBUTES_MASK = 944,
    SIGSTRUCT_XFRM_MASK = 952,
    SIGSTRUCT_ENCLAVEHASH = 960,
    SIGSTRUCT_Q1 = 1040,
    SIGSTRUCT_Q2 = 1424,
};

struct sgx_enclave_create {
    uint64_t src; /* SECS */
};

struct sgx_enclave_add_pages {
    uint64_t src;
    uint64_t offset;
    uint64_t length;
    uint64_t secinfo;
    uint64_t flags;
    uint64_t count; /* out: bytes added */
};
#define SGX_PAGE_MEASURE UINT64_C(0x1)

struct sgx_enclave_init {
    uint64_t sigstruct;
};

#define SGX_IOC_ENCLAVE_CREATE _IOW(0xA4, 0x00, struct sgx_enclave_create)
#define SGX_IOC_ENCLAVE_ADD_PAGES _IOWR(0xA4, 0x01, struct sgx_enclave_add_pages)
#define SGX_IOC_ENCLAVE_INIT _IOW(0xA4, 0x02, struct sgx_enclave_init)
_Static_assert(SGX_IOC_ENCLAVE_CREATE == 0x4008A400, "CREATE");
_Static_assert(SGX_IOC_ENCLAVE_ADD_PAGES == 0xC030A401, "ADD_PAGES");
_Static_assert(SGX_IOC_ENCLAVE_INIT == 0x4008A402, "INIT");

/* Argument and result of __vdso_sgx_enter_enclave. */
struct sgx_enclave_run {
    uint64_t tcs;
    uint32_t function; /* out: the last ENCLU leaf; 4, EEXIT, if the enclave returned */
    uint16_t exception_vector;
    uint16_t exception_error_code;
    uint64_t exception_addr;
    uint64_t user_handler;
    uint64_t user_data;
    uint8_t reserved[216];
};
_Static_assert(sizeof(struct sgx_enclave_run) == 256, "the kernel checks the reserved part");
#define SGX_EEXIT 4

#endif
