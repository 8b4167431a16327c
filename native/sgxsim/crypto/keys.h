// SPDX-License-Identifier: Apache-2.0
/*
 * EGETKEY and EREPORT: which keys an enclave may have, and what each depends on (SDM vol. 3D,
 * EGETKEY's "Key Derivation" table and pseudocode, EREPORT). On silicon the derivation is secret;
 * here a key is AES-128-CMAC under the platform's root key over the key dependencies, laid out in
 * keys.c and docs/reference/simulated-keys.md.
 */
#ifndef SGXSIM_CRYPTO_KEYS_H
#define SGXSIM_CRYPTO_KEYS_H

#include <stddef.h>
#include <stdint.h>
#include "aes_cmac.h"
#include "architecture.h"
#include "sha256.h"

enum sgx_key_name {
    SGX_KEY_EINITTOKEN = 0,
    SGX_KEY_PROVISION = 1,
    SGX_KEY_PROVISION_SEAL = 2,
    SGX_KEY_REPORT = 3,
    SGX_KEY_SEAL = 4,
};

/* KEYREQUEST.KEYPOLICY. The last four need ATTRIBUTES.KSS. */
#define SGX_POLICY_MRENCLAVE 0x01
#define SGX_POLICY_MRSIGNER 0x02
#define SGX_POLICY_NOISVPRODID 0x04
#define SGX_POLICY_CONFIGID 0x08
#define SGX_POLICY_ISVFAMILYID 0x10
#define SGX_POLICY_ISVEXTPRODID 0x20

struct keyrequest {
    uint16_t keyname;                     /* @0 */
    uint16_t keypolicy;                   /* @2 */
    uint16_t isvsvn;                      /* @4 */
    uint8_t reserved1[2];                 /* @6 */
    uint8_t cpusvn[16];                   /* @8 */
    struct sgx_attributes attribute_mask; /* @24 */
    uint8_t keyid[32];                    /* @40 */
    uint32_t miscmask;                    /* @72 */
    uint16_t configsvn;                   /* @76 */
    uint8_t reserved2[434];               /* @78 */
};
_Static_assert(sizeof(struct keyrequest) == 512, "KEYREQUEST");
_Static_assert(offsetof(struct keyrequest, attribute_mask) == 24, "ATTRIBUTEMASK");
_Static_assert(offsetof(struct keyrequest, miscmask) == 72, "MISCMASK");
_Static_assert(offsetof(struct keyrequest, reserved2) == 78, "reserved");

struct targetinfo {
    uint8_t mrenclave[SHA256_SIZE];   /* @0 */
    struct sgx_attributes attributes; /* @32 */
    uint8_t cet_attributes;           /* @48 */
    uint8_t reserved1;                /* @49 */
    uint16_t configsvn;               /* @50 */
    uint32_t miscselect;              /* @52 */
    uint8_t reserved2[8];             /* @56 */
    uint8_t configid[64];             /* @64 */
    uint8_t reserved3[384];           /* @128 */
};
_Static_assert(sizeof(struct targetinfo) == 512, "TARGETINFO");
_Static_assert(offsetof(struct targetinfo, configid) == 64, "CONFIGID");

#define REPORT_BODY_SIZE 384
#define REPORT_DATA_SIZE 64
#define KEYID_SIZE 32

struct report {
    uint8_t cpusvn[16];                    /* @0 */
    uint32_t miscselect;                   /* @16 */
    uint8_t cet_attributes;                /* @20 */
    uint8_t reserved1[11];                 /* @21 */
    uint8_t isvextprodid[16];              /* @32 */
    struct sgx_attributes attributes;      /* @48 */
    uint8_t mrenclave[SHA256_SIZE];        /* @64 */
    uint8_t reserved2[32];                 /* @96 */
    uint8_t mrsigner[SHA256_SIZE];         /* @128 */
    uint8_t reserved3[32];                 /* @160 */
    uint8_t configid[64];                  /* @192 */
    uint16_t isvprodid;                    /* @256 */
    uint16_t isvsvn;                       /* @258 */
    uint16_t configsvn;                    /* @260 */
    uint8_t reserved4[42];                 /* @262 */
    uint8_t isvfamilyid[16];               /* @304 */
    uint8_t report_data[REPORT_DATA_SIZE]; /* @320 */
    uint8_t keyid[KEYID_SIZE];             /* @384: from here on not under the MAC */
    uint8_t mac[AES128_SIZE];              /* @416 */
};
_Static_assert(sizeof(struct report) == 432, "REPORT");
_Static_assert(offsetof(struct report, mrsigner) == 128, "MRSIGNER");
_Static_assert(offsetof(struct report, isvfamilyid) == 304, "ISVFAMILYID");
_Static_assert(offsetof(struct report, keyid) == REPORT_BODY_SIZE, "KEYID");

/* The processor: its secret and its registers. */
struct key_platform {
    struct crypto_engine engine;
    uint8_t root_key[AES128_SIZE];
    uint8_t cpusvn[16];      /* CR_CPUSVN */
    uint8_t owner_epoch[16]; /* CR_SGXOWNEREPOCH */
    uint8_t seal_fuses[16];  /* CR_SEAL_FUSES */
};

/* The SECS of an initialised enclave, as far as keys and reports depend on it. */
struct enclave_identity {
    struct sgx_attributes attributes; /* with INIT */
    uint32_t miscselect;
    uint16_t isvprodid;
    uint16_t isvsvn;
    uint16_t configsvn;
    uint8_t mrenclave[SHA256_SIZE];
    uint8_t mrsigner[SHA256_SIZE];
    uint8_t configid[64];
    uint8_t isvfamilyid[16];
    uint8_t isvextprodid[16];
};

/*
 * EGETKEY after its operands' addresses were checked. Returns 0 and the key, or an enum sgx_error
 * or SGX_RAISES_GP with `key` untouched. Precondition: `request` cannot change meanwhile.
 */
uint32_t egetkey(const struct key_platform *platform, const struct enclave_identity *enclave,
                 const struct keyrequest *request, uint8_t key[AES128_SIZE]);

/*
 * EREPORT after its operands' addresses were checked: `enclave`'s report for the enclave that
 * `target` names. `keyid` is CR_REPORT_KEYID, drawn once a start of the platform.
 */
void ereport(const struct key_platform *platform, const struct enclave_identity *enclave,
             const struct targetinfo *target, const uint8_t report_data[REPORT_DATA_SIZE],
             const uint8_t keyid[KEYID_SIZE], struct report *report);

#endif
