// SPDX-License-Identifier: Apache-2.0
/*
 * What hosts hand to the driver and the processor, and its checks. No state, no system call: also
 * built for the machine it is compiled on, under sanitizers (tests/structures_test.c).
 */
#ifndef SGXSIM_STRUCTURES_H
#define SGXSIM_STRUCTURES_H

#include "crypto/architecture.h"
#include "crypto/sha256.h"
#include <stddef.h>
#include <stdint.h>

#define SGX_PAGE_BYTES 4096UL
#define LARGEST_ENCLAVE_BITS 36

/* Permissions, the same bits as SECINFO's and mmap's: read 1, write 2, execute 4. */
#define PERMISSIONS 7
#define PAGE_SECS 0
#define PAGE_TCS 1
#define PAGE_REG 2
#define PAGE_TRIM 4
#define PAGE_PENDING 0x08
#define PAGE_MODIFIED 0x10
#define PAGE_RESTRICTED 0x20 /* SECINFO's PR */

struct secs {
    uint64_t size;                    /* @0 */
    uint64_t base;                    /* @8 */
    uint32_t ssa_frame_size;          /* @16 pages */
    uint32_t miscselect;              /* @20 */
    uint8_t reserved1[24];            /* @24 */
    struct sgx_attributes attributes; /* @48 */
    uint8_t mrenclave[SHA256_SIZE];   /* @64 */
    uint8_t reserved2[32];            /* @96 */
    uint8_t mrsigner[SHA256_SIZE];    /* @128 */
    uint8_t reserved3[32];            /* @160 */
    uint8_t configid[64];             /* @192 */
    uint16_t isvprodid;               /* @256 */
    uint16_t isvsvn;                  /* @258 */
    uint16_t configsvn;               /* @260 */
    uint8_t reserved4[3834];          /* @262 */
};
_Static_assert(sizeof(struct secs) == SGX_PAGE_BYTES, "SECS");
_Static_assert(offsetof(struct secs, isvprodid) == 256, "ISVPRODID");

#define TCS_DBGOPTIN 1UL

struct tcs {
    uint64_t reserved1;      /* @0 */
    uint64_t flags;          /* @8 */
    uint64_t ossa;           /* @16 */
    uint32_t cssa;           /* @24 */
    uint32_t nssa;           /* @28 */
    uint64_t oentry;         /* @32 */
    uint64_t reserved2;      /* @40 */
    uint64_t ofsbase;        /* @48 */
    uint64_t ogsbase;        /* @56 */
    uint32_t fslimit;        /* @64 */
    uint32_t gslimit;        /* @68 */
    uint8_t reserved3[4024]; /* @72 */
};
_Static_assert(sizeof(struct tcs) == SGX_PAGE_BYTES, "TCS");

struct secinfo {
    uint64_t flags;       /* @0 permissions 0-2, state 3-5, page type 8-15 */
    uint8_t reserved[56]; /* @8 */
};
#define SECINFO_TYPE(flags) ((uint8_t)((flags) >> 8))
#define SECINFO_TYPE_MASK 0xff00UL
#define SECINFO_STATE_MASK 0x38UL

/* What the platform can do, as far as ECREATE asks. */
struct secs_limits {
    uint64_t attributes; /* that may be set */
    uint64_t xfrm;       /* XCR0 */
    uint32_t miscselect;
    uint32_t xsave_size; /* of the XFRM asked for */
};

/* ECREATE's conditions (SDM vol. 3D, ECREATE). */
int secs_ok(const struct secs *secs, const struct secs_limits *limits);

/* sgx_validate_secinfo of the driver, arch/x86/kernel/cpu/sgx/ioctl.c. */
int secinfo_ok(const struct secinfo *secinfo);

/* SECINFO as ENCLU's leaves want it: reserved bits are zero. */
int secinfo_well_formed(const struct secinfo *secinfo);

/* EADD's conditions on a TCS: reserved fields, flags, alignment (SDM vol. 3D, EADD). AEX-Notify is
 * a flag of TCSs that this platform does not have. */
int tcs_ok(const struct tcs *tcs);

/* EACCEPT's on a page that becomes one: DBGOPTIN is the debugger's, and a frame must be free. */
int tcs_acceptable(const struct tcs *tcs);

/* A range that an ioctl names: whole pages, some, in an enclave of `size` bytes. */
int range_ok(uint64_t size, uint64_t offset, uint64_t length);

#endif
