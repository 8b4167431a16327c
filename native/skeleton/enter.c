// SPDX-License-Identifier: Apache-2.0
#include "enter.h"

#include <errno.h>
#include <stddef.h>

#include "enclave_error.h"
#include "output.h"
#include "sgx_abi.h"

_Static_assert(offsetof(struct ecall, tcs) == 8 && offsetof(struct ecall, arguments) == 16 &&
                   offsetof(struct ecall, result) == 40,
               "enter.S knows these offsets");

int skeleton_enter_vdso(struct ecall *call, void *function, struct sgx_enclave_run *run);
void skeleton_enter_plain(struct ecall *call);

int enter(struct ecall *call)
{
    void *function = vdso_enter_function();
    if (function == NULL) {
        skeleton_enter_plain(call);
        return 0;
    }
    struct sgx_enclave_run run = {.tcs = call->tcs};
    int result = skeleton_enter_vdso(call, function, &run);
    if (result < 0) {
        output_log(LOG_ERROR, "enter enclave: the vDSO returns %d", result);
        return result;
    }
    if (run.function == SGX_EEXIT)
        return 0;
    output_log(LOG_ERROR, "ecall %llu: %s, vector %d, error code %#x, address %#llx",
               (unsigned long long)call->number, exception_name(run.exception_vector),
               run.exception_vector, run.exception_error_code,
               (unsigned long long)run.exception_addr);
    return -EFAULT;
}
