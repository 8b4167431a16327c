// SPDX-License-Identifier: Apache-2.0
/*
 * The platform service, which owns the keys (docs/protocol/platform-service.md). Without
 * `--service` there is none, and the emulator derives from a published constant.
 */
#ifndef SGXSIM_SERVICE_H
#define SGXSIM_SERVICE_H

#include "base.h"
#include "service_frames.h"

#define SERVICE_PATH_SIZE 108 /* of sun_path */

/* The socket's path, "" without a service. */
extern char service_path[SERVICE_PATH_SIZE];

static inline int service_wanted(void)
{
    return service_path[0] != 0;
}

/* Takes over the path. 0 when it is too long, relative or empty. */
int service_set(const char *path);

/* What the calls below return when there was no answer: no status is so. The reason has been said
 * on standard error, once in a process. */
#define SERVICE_SILENT 0xffffffffu

/* Each returns the service's status: 0, an enum sgx_error, SERVICE_STATUS_GP, or SERVICE_SILENT. */
uint32_t service_hello(void);
/* `identity` is what the enclave will be: a service that says otherwise is none. */
uint32_t service_einit(const struct sigstruct *sig, const uint8_t token[SERVICE_TOKEN],
                       const struct service_launch *launch, const struct enclave_identity *identity,
                       uint8_t ticket[SERVICE_TICKET]);
uint32_t service_report(const struct enclave_identity *identity,
                        const uint8_t ticket[SERVICE_TICKET], const struct targetinfo *target,
                        const uint8_t report_data[REPORT_DATA_SIZE], struct report *report);
uint32_t service_get_key(const struct enclave_identity *identity,
                         const uint8_t ticket[SERVICE_TICKET], const struct keyrequest *request,
                         uint8_t key[AES128_SIZE]);

#endif
