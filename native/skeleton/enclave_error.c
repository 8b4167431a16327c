// SPDX-License-Identifier: Apache-2.0
#include "enclave_error.h"

#include <stddef.h>

static const struct {
    int code;
    const char *name;
    const char *meaning;
} errors[] = {
    {SGX_INVALID_SIG_STRUCT, "SGX_INVALID_SIG_STRUCT", "encl.ss is no well-formed SIGSTRUCT"},
    {SGX_INVALID_ATTRIBUTE, "SGX_INVALID_ATTRIBUTE",
     "the enclave's attributes are not those that encl.ss was signed for"},
    {SGX_BLKSTATE, "SGX_BLKSTATE", ""},
    {SGX_INVALID_MEASUREMENT, "SGX_INVALID_MEASUREMENT",
     "encl.bin is not the image that encl.ss was signed for"},
    {SGX_NOTBLOCKABLE, "SGX_NOTBLOCKABLE", ""},
    {SGX_PG_INVLD, "SGX_PG_INVLD", ""},
    {SGX_EPC_PAGE_CONFLICT, "SGX_EPC_PAGE_CONFLICT", ""},
    {SGX_INVALID_SIGNATURE, "SGX_INVALID_SIGNATURE",
     "encl.ss was changed after it had been signed, or its signature never held"},
    {SGX_MAC_COMPARE_FAIL, "SGX_MAC_COMPARE_FAIL", ""},
    {SGX_ENCLAVE_ACT, "SGX_ENCLAVE_ACT", ""},
    {SGX_INVALID_EINITTOKEN, "SGX_INVALID_EINITTOKEN",
     "the platform's launch control does not let this signer start enclaves"},
    {SGX_INVALID_CPUSVN, "SGX_INVALID_CPUSVN", ""},
    {SGX_INVALID_ISVSVN, "SGX_INVALID_ISVSVN", ""},
    {SGX_UNMASKED_EVENT, "SGX_UNMASKED_EVENT", "the processor was interrupted; try again"},
};

const char *sgx_error_name(int code)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (errors[i].code == code)
            return errors[i].name;
    }
    return "unknown SGX error";
}

const char *sgx_error_meaning(int code)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (errors[i].code == code)
            return errors[i].meaning;
    }
    return "";
}

const char *exception_name(int vector)
{
    switch (vector) {
    case 0:
        return "division error (#DE)";
    case 6:
        return "invalid opcode (#UD)";
    case 13:
        return "general protection (#GP)";
    case 14:
        return "page fault (#PF)";
    default:
        return "exception";
    }
}
