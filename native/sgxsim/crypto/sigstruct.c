// SPDX-License-Identifier: Apache-2.0
#include "sigstruct.h"
#include "bytes.h"

#define VENDOR_INTEL 0x8086u
#define RSA_EXPONENT 3u
#define SIGNED_HEAD 128
#define SIGNED_BODY 900
#define SIGNED_BODY_END 1028

static const uint8_t header[16] = {6, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 1};
static const uint8_t header2[16] = {1, 1, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 1};

static bool well_formed(const struct sigstruct *sig);
static bool signature_holds(struct crypto_engine engine, const struct sigstruct *sig);
static bool attributes_hold(const struct sigstruct *sig, const struct launch_view *enclave);

uint32_t sigstruct_check(struct crypto_engine engine, const struct sigstruct *sig,
                         const struct launch_view *enclave, uint8_t mrsigner[SHA256_SIZE])
{
    if (!well_formed(sig))
        return SGX_INVALID_SIG_STRUCT;
    if (!signature_holds(engine, sig))
        return SGX_INVALID_SIGNATURE;
    bool kss = (enclave->attributes & SGX_ATTRIBUTE_KSS) != 0;
    if (!kss && !zero_bytes(sig->isvfamilyid, sizeof sig->isvfamilyid))
        return SGX_INVALID_SIG_STRUCT;
    if (!equal_bytes(sig->enclavehash, enclave->mrenclave, sizeof sig->enclavehash))
        return SGX_INVALID_MEASUREMENT;

    uint8_t signer[SHA256_SIZE];
    sha256(engine, sig->modulus, sizeof sig->modulus, signer);
    bool controlled = (enclave->attributes & SGX_ATTRIBUTE_EINITTOKEN_KEY) != 0;
    if (controlled && enclave->launch_key_hash != NULL &&
        !equal_bytes(signer, enclave->launch_key_hash, SHA256_SIZE))
        return SGX_INVALID_ATTRIBUTE;
    if (!attributes_hold(sig, enclave))
        return SGX_INVALID_ATTRIBUTE;
    memcpy(mrsigner, signer, SHA256_SIZE);
    return 0;
}

/* CET's two bytes count as reserved: the simulated processor has no CET. */
static bool well_formed(const struct sigstruct *sig)
{
    return equal_bytes(sig->header, header, sizeof header) &&
           (sig->vendor == 0 || sig->vendor == VENDOR_INTEL) &&
           equal_bytes(sig->header2, header2, sizeof header2) && sig->exponent == RSA_EXPONENT &&
           zero_bytes(sig->reserved1, sizeof sig->reserved1) && sig->cet_attributes == 0 &&
           sig->cet_attributes_mask == 0 && zero_bytes(sig->reserved2, sizeof sig->reserved2) &&
           zero_bytes(sig->reserved3, sizeof sig->reserved3) &&
           zero_bytes(sig->reserved4, sizeof sig->reserved4);
}

static bool signature_holds(struct crypto_engine engine, const struct sigstruct *sig)
{
    const uint8_t *bytes = (const uint8_t *)sig;
    uint8_t digest[SHA256_SIZE];
    struct sha256 hash;
    sha256_init(&hash, engine);
    sha256_update(&hash, bytes, SIGNED_HEAD);
    sha256_update(&hash, bytes + SIGNED_BODY, SIGNED_BODY_END - SIGNED_BODY);
    sha256_final(&hash, digest);
    const struct rsa3072_signature numbers = {
        .modulus = sig->modulus,
        .signature = sig->signature,
        .q1 = sig->q1,
        .q2 = sig->q2,
    };
    return rsa3072_verify(&numbers, digest);
}

static bool attributes_hold(const struct sigstruct *sig, const struct launch_view *enclave)
{
    const struct sgx_attributes *wanted = &sig->attributes;
    const struct sgx_attributes *mask = &sig->attribute_mask;
    return ((enclave->attributes ^ wanted->flags) & mask->flags) == 0 &&
           ((enclave->xfrm ^ wanted->xfrm) & mask->xfrm) == 0 &&
           ((enclave->miscselect ^ sig->miscselect) & sig->miscmask) == 0;
}
