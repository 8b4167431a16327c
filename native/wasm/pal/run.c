// SPDX-License-Identifier: Apache-2.0
/* Enters the enclave, and comes back with its calls and its faults. */
#include "run.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "services.h"
#include "shared/calls.h"
#include "skeleton/enclave_error.h"
#include "skeleton/enter.h"
#include "skeleton/output.h"
#include "skeleton/sgx_abi.h"

enum { LEAF_EENTER = 2, LEAF_ERESUME = 3 };

struct entry {
    uint64_t leaf, rdi, rsi, rdx; /* enter.S knows the offsets */
};

int wasm_enter(struct entry *entry, void *function, struct sgx_enclave_run *run);

static struct shared *shared_new(void);
static int put_strings(struct shared *shared, const char *const strings[], uint32_t *count,
                       uint32_t *bytes, size_t *at);
static int64_t enter_until_left(const struct loaded *loaded, struct shared *shared,
                                uint64_t operation, uint64_t last);

int enclave_run(const struct loaded *loaded, const char *const argv[], const char *const env[])
{
    struct shared *shared = shared_new();
    size_t at = 0;
    if (shared == NULL)
        return RUN_BROKEN;
    if (put_strings(shared, argv, &shared->argument_count, &shared->argument_bytes, &at) < 0 ||
        put_strings(shared, env, &shared->variable_count, &shared->variable_bytes, &at) < 0) {
        output_log(LOG_ERROR, "arguments and variables are longer than %d bytes",
                   SHARED_DATA_SIZE / 2);
        return RUN_BROKEN;
    }
    shared->can_grow = 1; /* EACCEPT tells */
    int64_t code = enter_until_left(loaded, shared, ENTER_RUN, EXIT_ENDED);
    munmap(shared, sizeof(*shared));
    return code < 0 ? RUN_BROKEN : (int)(code & 0xff);
}

int enclave_make_report(const struct loaded *loaded, const uint8_t targetinfo[512],
                        const uint8_t data[64], uint8_t report[432])
{
    struct shared *shared = shared_new();
    if (shared == NULL)
        return -ENOMEM;
    memcpy(shared->data, targetinfo, 512);
    memcpy(shared->data + 512, data, 64);
    int64_t result = enter_until_left(loaded, shared, ENTER_REPORT, EXIT_REPORT);
    if (result == 0)
        memcpy(report, shared->data, 432);
    else if (result == -EPERM)
        output_log(LOG_ERROR, "the enclave's manifest lets the host have no reports");
    munmap(shared, sizeof(*shared));
    return (int)result;
}

static struct shared *shared_new(void)
{
    void *shared = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return shared == MAP_FAILED ? NULL : shared;
}

static int put_strings(struct shared *shared, const char *const strings[], uint32_t *count,
                       uint32_t *bytes, size_t *at)
{
    size_t start = *at, end = start;
    for (*count = 0; strings[*count] != NULL; ++*count) {
        size_t size = strlen(strings[*count]) + 1;
        if (size > SHARED_DATA_SIZE / 2 - (end - start))
            return -E2BIG;
        memcpy(shared->data + end, strings[*count], size);
        end += size;
    }
    *bytes = (uint32_t)(end - start);
    *at = (end + 7) & ~(size_t)7;
    return 0;
}

/* RSI of the exit with this reason; -EIO, logged, if the enclave ends any other way. */
static int64_t enter_until_left(const struct loaded *loaded, struct shared *shared,
                                uint64_t operation, uint64_t last)
{
    void *function = vdso_enter_function();
    if (function == NULL) {
        output_log(LOG_ERROR, "the kernel's vDSO has no __vdso_sgx_enter_enclave");
        return -ENOSYS;
    }
    struct entry entry = {LEAF_EENTER, operation, (uint64_t)shared, sizeof(*shared)};
    for (;;) {
        struct sgx_enclave_run run = {.tcs = loaded->tcs};
        bool handles = entry.leaf == LEAF_EENTER && entry.rdi == ENTER_EXCEPTION;
        int result = wasm_enter(&entry, function, &run);
        if (result < 0) {
            output_log(LOG_ERROR, "enter the enclave: the vDSO returns %d", result);
            return -EIO;
        }
        if (run.function != SGX_EEXIT) {
            output_log(LOG_DEBUG, "%s in the enclave, error code %#x, address %#llx",
                       exception_name(run.exception_vector), run.exception_error_code,
                       (unsigned long long)(run.exception_addr - loaded->base));
            if (handles || run.function == LEAF_EENTER) {
                output_log(LOG_ERROR, "the enclave cannot be entered: %s",
                           exception_name(run.exception_vector));
                return -EIO;
            }
            entry = (struct entry){LEAF_EENTER, ENTER_EXCEPTION, 0, 0};
            continue;
        }
        uint64_t reason = entry.rdi, operand = entry.rsi;
        if (reason == last)
            return (int64_t)operand;
        if (reason == EXIT_HOST_CALL) {
            serve(shared);
            entry = (struct entry){LEAF_EENTER, ENTER_RESUME, 0, 0};
        } else if (reason == EXIT_EXCEPTION && operand == 0) {
            entry = (struct entry){LEAF_ERESUME, 0, 0, 0};
        } else if (reason == EXIT_ENDED) {
            return (int64_t)operand;
        } else {
            output_log(LOG_ERROR, "the enclave refuses to be entered (%llu)",
                       (unsigned long long)reason);
            return -EIO;
        }
    }
}
