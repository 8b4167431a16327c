// SPDX-License-Identifier: Apache-2.0
/* The simulated processor: what it owns and what it says of itself. */
#ifndef SGXSIM_PLATFORM_H
#define SGXSIM_PLATFORM_H

#include "crypto/keys.h"
#include "frame.h"
#include "structures.h"

#define EPC_SIZE (64UL << 20) /* what CPUID says; not enforced */

/* ATTRIBUTES an enclave may have; INIT is EINIT's to set. */
#define SUPPORTED_ATTRIBUTES                                                                       \
    (SGX_ATTRIBUTE_DEBUG | SGX_ATTRIBUTE_MODE64BIT | SGX_ATTRIBUTE_PROVISION_KEY |                 \
     SGX_ATTRIBUTE_EINITTOKEN_KEY | SGX_ATTRIBUTE_KSS)
#define SUPPORTED_MISCSELECT 1u /* EXINFO */

/* Looks at the real processor, before its CPUID may fault. */
void platform_start(void);

const struct key_platform *platform(void);

/* CR_REPORT_KEYID, KEYID_SIZE bytes. */
const uint8_t *report_key_id(void);

/* What CPUID answers on this platform, given the real processor's answer (EAX, EBX, ECX, EDX). */
void platform_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t answer[4]);

#endif
