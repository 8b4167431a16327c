// SPDX-License-Identifier: Apache-2.0
/*
 * SIGSTRUCT, an enclave's identity and its author's signature (SDM vol. 3D, "Enclave Signature
 * Structure"), and what EINIT demands of it. The author signs bytes 0-127 and 900-1027.
 */
#ifndef SGXSIM_CRYPTO_SIGSTRUCT_H
#define SGXSIM_CRYPTO_SIGSTRUCT_H

#include <stddef.h>
#include <stdint.h>
#include "architecture.h"
#include "engine.h"
#include "rsa3072.h"
#include "sha256.h"

struct sigstruct {
    uint8_t header[16];                   /* @0 */
    uint32_t vendor;                      /* @16: 0 or 0x8086 */
    uint32_t date;                        /* @20: decimal digits in hexadecimal, unchecked */
    uint8_t header2[16];                  /* @24 */
    uint32_t swdefined;                   /* @40 */
    uint8_t reserved1[84];                /* @44 */
    uint8_t modulus[RSA3072_SIZE];        /* @128 */
    uint32_t exponent;                    /* @512 */
    uint8_t signature[RSA3072_SIZE];      /* @516 */
    uint32_t miscselect;                  /* @900 */
    uint32_t miscmask;                    /* @904 */
    uint8_t cet_attributes;               /* @908 */
    uint8_t cet_attributes_mask;          /* @909 */
    uint8_t reserved2[2];                 /* @910 */
    uint8_t isvfamilyid[16];              /* @912 */
    struct sgx_attributes attributes;     /* @928 */
    struct sgx_attributes attribute_mask; /* @944 */
    uint8_t enclavehash[SHA256_SIZE];     /* @960 */
    uint8_t reserved3[16];                /* @992 */
    uint8_t isvextprodid[16];             /* @1008 */
    uint16_t isvprodid;                   /* @1024 */
    uint16_t isvsvn;                      /* @1026 */
    uint8_t reserved4[12];                /* @1028 */
    uint8_t q1[RSA3072_SIZE];             /* @1040 */
    uint8_t q2[RSA3072_SIZE];             /* @1424 */
};
_Static_assert(sizeof(struct sigstruct) == 1808, "SIGSTRUCT");
_Static_assert(offsetof(struct sigstruct, modulus) == 128, "MODULUS");
_Static_assert(offsetof(struct sigstruct, signature) == 516, "SIGNATURE");
_Static_assert(offsetof(struct sigstruct, miscselect) == 900, "MISCSELECT");
_Static_assert(offsetof(struct sigstruct, isvfamilyid) == 912, "ISVFAMILYID");
_Static_assert(offsetof(struct sigstruct, attributes) == 928, "ATTRIBUTES");
_Static_assert(offsetof(struct sigstruct, enclavehash) == 960, "ENCLAVEHASH");
_Static_assert(offsetof(struct sigstruct, isvextprodid) == 1008, "ISVEXTPRODID");
_Static_assert(offsetof(struct sigstruct, isvprodid) == 1024, "ISVPRODID");
_Static_assert(offsetof(struct sigstruct, q1) == 1040, "Q1");
_Static_assert(offsetof(struct sigstruct, q2) == 1424, "Q2");

/* What EINIT knows of the enclave: SECS fields and the finished measurement. */
struct launch_view {
    uint64_t attributes; /* SECS.ATTRIBUTES.FLAGS */
    uint64_t xfrm;       /* SECS.ATTRIBUTES.XFRM */
    uint32_t miscselect;
    uint8_t mrenclave[SHA256_SIZE];
    /*
     * IA32_SGXLEPUBKEYHASH, the only signer whose enclaves may have EINITTOKEN_KEY. NULL where the
     * driver loads it with each enclave's own signer before EINIT, as the in-kernel driver does.
     */
    const uint8_t *launch_key_hash;
};

/*
 * EINIT's checks of a SIGSTRUCT, in the order of its pseudocode. Returns 0 and the signer's
 * identity in `mrsigner`, or an enum sgx_error with `mrsigner` untouched. EINITTOKEN is not looked
 * at. Precondition: `sig` is the caller's own copy, which the host program cannot change meanwhile.
 */
uint32_t sigstruct_check(struct crypto_engine engine, const struct sigstruct *sig,
                         const struct launch_view *enclave, uint8_t mrsigner[SHA256_SIZE]);

#endif
