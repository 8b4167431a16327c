// SPDX-License-Identifier: Apache-2.0
#include "keys.h"
#include "bytes.h"

#define PADDING_SIZE 352

/* What every key depends on; KEYREQUEST.ATTRIBUTEMASK cannot leave it out. */
#define REQUIRED_SEALING_MASK (SGX_ATTRIBUTE_INIT | SGX_ATTRIBUTE_DEBUG)

#define POLICY_KNOWN 0x3f
#define POLICY_KSS 0x3c

/* The message of the CMAC that is a key. What a key does not depend on is zero. */
struct key_dependencies {
    uint16_t keyname;                     /* @0 */
    uint16_t isvprodid;                   /* @2 */
    uint16_t isvsvn;                      /* @4 */
    uint16_t configsvn;                   /* @6 */
    uint16_t keypolicy;                   /* @8 */
    uint8_t zero[2];                      /* @10 */
    uint32_t miscselect;                  /* @12 */
    uint32_t miscmask;                    /* @16 */
    uint8_t zero2[4];                     /* @20 */
    struct sgx_attributes attributes;     /* @24 */
    struct sgx_attributes attribute_mask; /* @40 */
    uint8_t isvfamilyid[16];              /* @56 */
    uint8_t isvextprodid[16];             /* @72 */
    uint8_t owner_epoch[16];              /* @88 */
    uint8_t seal_fuses[16];               /* @104 */
    uint8_t cpusvn[16];                   /* @120 */
    uint8_t mrenclave[SHA256_SIZE];       /* @136 */
    uint8_t mrsigner[SHA256_SIZE];        /* @168 */
    uint8_t keyid[KEYID_SIZE];            /* @200 */
    uint8_t configid[64];                 /* @232 */
    uint8_t padding[PADDING_SIZE];        /* @296 */
};
_Static_assert(sizeof(struct key_dependencies) == 648, "key dependencies");
_Static_assert(offsetof(struct key_dependencies, padding) == 296, "PADDING");

static bool request_well_formed(const struct enclave_identity *enclave,
                                const struct keyrequest *request);
static uint32_t may_have(const struct key_platform *platform,
                         const struct enclave_identity *enclave, const struct keyrequest *request);
static void depend_on_request(struct key_dependencies *on, const struct enclave_identity *enclave,
                              const struct keyrequest *request);
static void depend_on_policy(struct key_dependencies *on, const struct enclave_identity *enclave,
                             const struct keyrequest *request);
static void depend_on_owner(struct key_dependencies *on, const struct key_platform *platform);
static void derive_report_key(const struct key_platform *platform, const struct targetinfo *target,
                              const uint8_t keyid[KEYID_SIZE], uint8_t key[AES128_SIZE]);
static void derive(const struct key_platform *platform, struct key_dependencies *on,
                   uint8_t key[AES128_SIZE]);

uint32_t egetkey(const struct key_platform *platform, const struct enclave_identity *enclave,
                 const struct keyrequest *request, uint8_t key[AES128_SIZE])
{
    if (!request_well_formed(enclave, request))
        return SGX_RAISES_GP;
    uint32_t refused = may_have(platform, enclave, request);
    if (refused != 0)
        return refused;

    struct key_dependencies on = {.keyname = request->keyname};
    switch (request->keyname) {
    case SGX_KEY_EINITTOKEN:
        depend_on_request(&on, enclave, request);
        depend_on_owner(&on, platform);
        on.attribute_mask = (struct sgx_attributes){0};
        on.miscmask = 0;
        on.isvprodid = enclave->isvprodid;
        memcpy(on.mrsigner, enclave->mrsigner, SHA256_SIZE);
        memcpy(on.keyid, request->keyid, KEYID_SIZE);
        break;
    case SGX_KEY_PROVISION:
        /* Neither epoch, fuses nor KEYID: the same for every owner. */
        depend_on_request(&on, enclave, request);
        on.isvprodid = enclave->isvprodid;
        memcpy(on.mrsigner, enclave->mrsigner, SHA256_SIZE);
        break;
    case SGX_KEY_PROVISION_SEAL:
        depend_on_request(&on, enclave, request);
        depend_on_policy(&on, enclave, request);
        memcpy(on.seal_fuses, platform->seal_fuses, sizeof on.seal_fuses);
        memcpy(on.mrsigner, enclave->mrsigner, SHA256_SIZE);
        break;
    case SGX_KEY_SEAL:
        depend_on_request(&on, enclave, request);
        depend_on_policy(&on, enclave, request);
        depend_on_owner(&on, platform);
        if ((request->keypolicy & SGX_POLICY_MRENCLAVE) != 0)
            memcpy(on.mrenclave, enclave->mrenclave, SHA256_SIZE);
        if ((request->keypolicy & SGX_POLICY_MRSIGNER) != 0)
            memcpy(on.mrsigner, enclave->mrsigner, SHA256_SIZE);
        memcpy(on.keyid, request->keyid, KEYID_SIZE);
        break;
    case SGX_KEY_REPORT: {
        /* The key of reports made for this enclave; KEYREQUEST's masks and SVNs do not count. */
        struct targetinfo self = {
            .attributes = enclave->attributes,
            .miscselect = enclave->miscselect,
            .configsvn = enclave->configsvn,
        };
        memcpy(self.mrenclave, enclave->mrenclave, SHA256_SIZE);
        memcpy(self.configid, enclave->configid, sizeof self.configid);
        derive_report_key(platform, &self, request->keyid, key);
        return 0;
    }
    default:
        return SGX_INVALID_KEYNAME;
    }
    derive(platform, &on, key);
    return 0;
}

void ereport(const struct key_platform *platform, const struct enclave_identity *enclave,
             const struct targetinfo *target, const uint8_t report_data[REPORT_DATA_SIZE],
             const uint8_t keyid[KEYID_SIZE], struct report *report)
{
    /* Made apart and copied at the end: the operands may be the same memory. */
    struct report made = {
        .miscselect = enclave->miscselect,
        .attributes = enclave->attributes,
        .isvprodid = enclave->isvprodid,
        .isvsvn = enclave->isvsvn,
        .configsvn = enclave->configsvn,
    };
    memcpy(made.cpusvn, platform->cpusvn, sizeof made.cpusvn);
    memcpy(made.isvextprodid, enclave->isvextprodid, sizeof made.isvextprodid);
    memcpy(made.mrenclave, enclave->mrenclave, SHA256_SIZE);
    memcpy(made.mrsigner, enclave->mrsigner, SHA256_SIZE);
    memcpy(made.configid, enclave->configid, sizeof made.configid);
    memcpy(made.isvfamilyid, enclave->isvfamilyid, sizeof made.isvfamilyid);
    memcpy(made.report_data, report_data, REPORT_DATA_SIZE);
    memcpy(made.keyid, keyid, KEYID_SIZE);

    uint8_t key[AES128_SIZE];
    derive_report_key(platform, target, keyid, key);
    aes128_cmac(platform->engine, key, &made, REPORT_BODY_SIZE, made.mac);
    wipe(key, sizeof key);
    memcpy(report, &made, sizeof made);
}

/* What raises #GP(0): reserved bits, and what belongs to KSS without KSS. */
static bool request_well_formed(const struct enclave_identity *enclave,
                                const struct keyrequest *request)
{
    if (!zero_bytes(request->reserved1, sizeof request->reserved1) ||
        !zero_bytes(request->reserved2, sizeof request->reserved2) ||
        (request->keypolicy & ~POLICY_KNOWN) != 0)
        return false;
    bool kss = (enclave->attributes.flags & SGX_ATTRIBUTE_KSS) != 0;
    return kss || ((request->keypolicy & POLICY_KSS) == 0 && request->configsvn == 0);
}

/* Each byte of CPUSVN is taken as the version of one component, as attestation does. */
static bool beyond_platform(const uint8_t wanted[16], const uint8_t current[16])
{
    for (size_t i = 0; i < 16; i++) {
        if (wanted[i] > current[i])
            return true;
    }
    return false;
}

/* 0, or why this enclave does not get that key. */
static uint32_t may_have(const struct key_platform *platform,
                         const struct enclave_identity *enclave, const struct keyrequest *request)
{
    uint64_t needed = 0;
    switch (request->keyname) {
    case SGX_KEY_EINITTOKEN:
        needed = SGX_ATTRIBUTE_EINITTOKEN_KEY;
        break;
    case SGX_KEY_PROVISION:
    case SGX_KEY_PROVISION_SEAL:
        needed = SGX_ATTRIBUTE_PROVISION_KEY;
        break;
    case SGX_KEY_SEAL:
        break;
    case SGX_KEY_REPORT:
        return 0;
    default:
        return SGX_INVALID_KEYNAME;
    }
    if ((enclave->attributes.flags & needed) != needed)
        return SGX_INVALID_ATTRIBUTE;
    /* What a newer version sealed must stay out of an older one's reach. */
    if (beyond_platform(request->cpusvn, platform->cpusvn))
        return SGX_INVALID_CPUSVN;
    if (request->isvsvn > enclave->isvsvn)
        return SGX_INVALID_ISVSVN;
    /* The pseudocode checks CONFIGSVN for the seal key only; the text above its table forbids a
     * later one for every key that depends on it, and PROVISION_SEAL does. */
    bool configured =
        request->keyname == SGX_KEY_SEAL || request->keyname == SGX_KEY_PROVISION_SEAL;
    if (configured && request->configsvn > enclave->configsvn)
        return SGX_INVALID_ISVSVN;
    return 0;
}

/* The columns ATTRIBUTES, CPUSVN and ISVSVN of the table, where it says "Request". */
static void depend_on_request(struct key_dependencies *on, const struct enclave_identity *enclave,
                              const struct keyrequest *request)
{
    const struct sgx_attributes *mask = &request->attribute_mask;
    on->attributes.flags = enclave->attributes.flags & (mask->flags | REQUIRED_SEALING_MASK);
    on->attributes.xfrm = enclave->attributes.xfrm & mask->xfrm;
    on->attribute_mask = *mask;
    on->miscselect = enclave->miscselect & request->miscmask;
    on->miscmask = ~request->miscmask;
    on->isvsvn = request->isvsvn;
    memcpy(on->cpusvn, request->cpusvn, sizeof on->cpusvn);
}

/* KEYPOLICY, all but its two identities. */
static void depend_on_policy(struct key_dependencies *on, const struct enclave_identity *enclave,
                             const struct keyrequest *request)
{
    on->keypolicy = request->keypolicy;
    if ((request->keypolicy & SGX_POLICY_NOISVPRODID) == 0)
        on->isvprodid = enclave->isvprodid;
    if ((request->keypolicy & SGX_POLICY_CONFIGID) != 0) {
        on->configsvn = request->configsvn;
        memcpy(on->configid, enclave->configid, sizeof on->configid);
    }
    if ((request->keypolicy & SGX_POLICY_ISVFAMILYID) != 0)
        memcpy(on->isvfamilyid, enclave->isvfamilyid, sizeof on->isvfamilyid);
    if ((request->keypolicy & SGX_POLICY_ISVEXTPRODID) != 0)
        memcpy(on->isvextprodid, enclave->isvextprodid, sizeof on->isvextprodid);
}

static void depend_on_owner(struct key_dependencies *on, const struct key_platform *platform)
{
    memcpy(on->owner_epoch, platform->owner_epoch, sizeof on->owner_epoch);
    memcpy(on->seal_fuses, platform->seal_fuses, sizeof on->seal_fuses);
}

/* The report key of the enclave that `target` names; EREPORT and EGETKEY must come to the same. */
static void derive_report_key(const struct key_platform *platform, const struct targetinfo *target,
                              const uint8_t keyid[KEYID_SIZE], uint8_t key[AES128_SIZE])
{
    struct key_dependencies on = {
        .keyname = SGX_KEY_REPORT,
        .attributes = target->attributes,
        .miscselect = target->miscselect,
        .configsvn = target->configsvn,
    };
    depend_on_owner(&on, platform);
    memcpy(on.cpusvn, platform->cpusvn, sizeof on.cpusvn);
    memcpy(on.mrenclave, target->mrenclave, SHA256_SIZE);
    memcpy(on.configid, target->configid, sizeof on.configid);
    memcpy(on.keyid, keyid, KEYID_SIZE);
    derive(platform, &on, key);
}

/* Adds PADDING, the constant part of PKCS#1 v1.5 (HARDCODED_PKCS1_5_PADDING), and computes the key.
 */
static void derive(const struct key_platform *platform, struct key_dependencies *on,
                   uint8_t key[AES128_SIZE])
{
    static const uint8_t digest_info[20] = {
        0x00, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
        0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
    };
    memset(on->padding, 0xff, PADDING_SIZE);
    on->padding[0] = 0x00;
    on->padding[1] = 0x01;
    memcpy(on->padding + PADDING_SIZE - sizeof digest_info, digest_info, sizeof digest_info);
    aes128_cmac(platform->engine, platform->root_key, on, sizeof *on, key);
}
