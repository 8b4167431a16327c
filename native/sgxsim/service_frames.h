// SPDX-License-Identifier: Apache-2.0
/*
 * Frames of the platform service's socket (docs/protocol/platform-service.md). What comes back is
 * hostile: a reply is taken only when its code, version and size are exactly what they must be.
 */
#ifndef SGXSIM_SERVICE_FRAMES_H
#define SGXSIM_SERVICE_FRAMES_H

#include <stdbool.h>
#include "crypto/keys.h"
#include "crypto/sigstruct.h"

#define SERVICE_VERSION 1
#define SERVICE_HEADER 12
#define SERVICE_IDENTITY 192
#define SERVICE_TICKET 16
#define SERVICE_LAUNCH 152
#define SERVICE_TOKEN 304
#define SERVICE_STATUS_GP 0x80000000u

enum service_code {
    SERVICE_HELLO = 1,
    SERVICE_EINIT = 2,
    SERVICE_EREPORT = 3,
    SERVICE_EGETKEY = 4,
};

#define SERVICE_REQUEST_MAX                                                                        \
    (SERVICE_HEADER + sizeof(struct sigstruct) + SERVICE_TOKEN + SERVICE_LAUNCH)
#define SERVICE_REPLY_MAX (SERVICE_HEADER + sizeof(struct report))

struct service_request {
    size_t size;
    uint8_t bytes[SERVICE_REQUEST_MAX];
};

/* What a service may have said, and one byte more, which no reply has. */
struct service_reply {
    size_t size;
    uint8_t bytes[SERVICE_REPLY_MAX + 1];
};

/* What EINIT tells of the enclave. */
struct service_launch {
    struct sgx_attributes attributes; /* without INIT */
    uint32_t miscselect;
    uint16_t configsvn;
    uint16_t flags; /* SERVICE_LAUNCH_... */
    uint8_t mrenclave[SHA256_SIZE];
    uint8_t configid[64];
    uint64_t size, pages;
    uint32_t threads;
};
#define SERVICE_LAUNCH_TOKENS 1    /* the driver takes tokens */
#define SERVICE_LAUNCH_PROVISION 2 /* the host has opened the provisioning device for it */

void service_request_begin(struct service_request *request, enum service_code code);
/* Precondition: there is room, as there is for every request of the protocol. */
void service_request_add(struct service_request *request, const void *bytes, size_t size);
/* Writes the size; the last step. */
void service_request_end(struct service_request *request);

void service_identity_encode(const struct enclave_identity *identity,
                             uint8_t bytes[SERVICE_IDENTITY]);
void service_launch_encode(const struct service_launch *launch, uint8_t bytes[SERVICE_LAUNCH]);

/* The payload of a reply to `code` whose status is 0, and NULL for another status, which then is in
 * `status`. False for what is no reply. */
bool service_reply_read(const struct service_reply *reply, enum service_code code, uint32_t *status,
                        const uint8_t **payload);

#endif
