// SPDX-License-Identifier: Apache-2.0
#include "enclave.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "enter.h"
#include "output.h"

/* The enclave has one TCS, and a second EENTER on it faults. Calls are short: they wait. */
static pthread_mutex_t tcs_lock = PTHREAD_MUTEX_INITIALIZER;

static int call(struct ecall *call);

int enclave_hello(const struct enclave *enclave, char greeting[GREETING_SIZE])
{
    /* Somebody else's enclave may have more to say than ours. */
    char buffer[4096] = "";
    struct ecall ecall = {ECALL_HELLO, enclave->tcs, {(uint64_t)buffer}, 0};
    int result = call(&ecall);
    if (result < 0)
        return result;
    size_t length = strnlen(buffer, GREETING_SIZE - 1);
    memcpy(greeting, buffer, length);
    greeting[length] = '\0';
    return 0;
}

int enclave_report(const struct enclave *enclave, const uint8_t targetinfo[512],
                   const uint8_t report_data[64], uint8_t report[432])
{
    /* Copies, aligned as EREPORT wants them: an enclave may use its caller's memory directly. */
    struct {
        _Alignas(512) uint8_t targetinfo[512];
        _Alignas(512) uint8_t report[512];
        _Alignas(128) uint8_t data[64];
    } buffer = {0};
    memcpy(buffer.targetinfo, targetinfo, 512);
    memcpy(buffer.data, report_data, 64);
    struct ecall ecall = {
        ECALL_REPORT,
        enclave->tcs,
        {(uint64_t)buffer.targetinfo, (uint64_t)buffer.data, (uint64_t)buffer.report},
        0};
    int result = call(&ecall);
    if (result == 0)
        memcpy(report, buffer.report, 432);
    return result;
}

void enclave_close(struct enclave *enclave)
{
    if (enclave->range_size != 0)
        munmap((void *)enclave->range, enclave->range_size);
    if (enclave->fd >= 0)
        close(enclave->fd);
    *enclave = (struct enclave){.fd = -1};
}

static int call(struct ecall *ecall)
{
    pthread_mutex_lock(&tcs_lock);
    int result = enter(ecall);
    pthread_mutex_unlock(&tcs_lock);
    if (result < 0)
        return result;
    if (ecall->result != 0) {
        output_log(LOG_ERROR, "ecall %llu: the enclave answers %lld",
                   (unsigned long long)ecall->number, (long long)ecall->result);
        return -EIO;
    }
    return 0;
}
