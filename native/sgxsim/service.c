// SPDX-License-Identifier: Apache-2.0
#include "service.h"
#include "crypto/bytes.h"
#include "log.h"
#include <asm/socket.h>
#include <linux/time.h>
#include <linux/un.h>

#define AF_UNIX 1
#define SOCK_STREAM 1
#define SOCK_CLOEXEC 02000000
#define MSG_WAITALL 0x100
#define MSG_NOSIGNAL 0x4000

#define PATIENCE_SECONDS 10

char service_path[SERVICE_PATH_SIZE];

int service_set(const char *path)
{
    size_t length = strlen(path);
    if (path[0] != '/' || length >= sizeof service_path)
        return 0;
    memcpy(service_path, path, length + 1);
    return 1;
}

static uint32_t silent(const char *doing, long error)
{
    static int complained;
    if (!__atomic_exchange_n(&complained, 1, __ATOMIC_RELAXED) || verbose)
        complain("ask the platform service at `%s`: %s: error %d", service_path, doing,
                 (int)-error);
    return SERVICE_SILENT;
}

static long send_all(int fd, const struct service_request *request)
{
    for (size_t sent = 0; sent < request->size;) {
        long size =
            call(__NR_sendto, fd, request->bytes + sent, request->size - sent, MSG_NOSIGNAL, 0, 0);
        if (is_error(size))
            return size;
        sent += (size_t)size;
    }
    return 0;
}

/*
 * One request, one reply, one connection: nothing is open between requests that the program could
 * close, or its children could share. Signals are blocked here. The two timeouts bound all waits;
 * with MSG_WAITALL the second one is for the whole reply, up to the service's end of the
 * connection.
 */
static const char *exchange(int fd, const struct service_request *request,
                            struct service_reply *reply, long *error)
{
    const struct __kernel_old_timeval patience = {.tv_sec = PATIENCE_SECONDS};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, service_path, sizeof service_path);
    *error = call(__NR_setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO_OLD, &patience, sizeof patience);
    if (*error == 0)
        *error = call(__NR_setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO_OLD, &patience, sizeof patience);
    if (*error == 0)
        *error = call(__NR_connect, fd, &address, sizeof address);
    if (*error != 0)
        return "connect";
    *error = send_all(fd, request);
    if (*error != 0)
        return "send";
    long size = call(__NR_recvfrom, fd, reply->bytes, sizeof reply->bytes, MSG_WAITALL, 0, 0);
    if (is_error(size)) {
        *error = size;
        return "receive";
    }
    reply->size = (size_t)size;
    return NULL;
}

static uint32_t ask(enum service_code code, struct service_request *request,
                    struct service_reply *reply, const uint8_t **payload)
{
    uint32_t status;
    long error;
    service_request_end(request);
    long fd = call(__NR_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (is_error(fd))
        return silent("make a socket", fd);
    const char *failed = exchange((int)fd, request, reply, &error);
    call(__NR_close, fd);
    if (failed != NULL)
        return silent(failed, error);
    if (!service_reply_read(reply, code, &status, payload) || status == SERVICE_SILENT)
        return silent("read the reply", -EPROTO);
    return status;
}

uint32_t service_hello(void)
{
    struct service_request request;
    struct service_reply reply;
    const uint8_t *payload;
    service_request_begin(&request, SERVICE_HELLO);
    return ask(SERVICE_HELLO, &request, &reply, &payload);
}

uint32_t service_einit(const struct sigstruct *sig, const uint8_t token[SERVICE_TOKEN],
                       const struct service_launch *launch, const struct enclave_identity *identity,
                       uint8_t ticket[SERVICE_TICKET])
{
    struct service_request request;
    struct service_reply reply;
    const uint8_t *payload;
    uint8_t encoded[SERVICE_LAUNCH], expected[SERVICE_IDENTITY];
    service_launch_encode(launch, encoded);
    service_identity_encode(identity, expected);
    service_request_begin(&request, SERVICE_EINIT);
    service_request_add(&request, sig, sizeof *sig);
    service_request_add(&request, token, SERVICE_TOKEN);
    service_request_add(&request, encoded, sizeof encoded);
    uint32_t status = ask(SERVICE_EINIT, &request, &reply, &payload);
    if (status != 0)
        return status;
    if (!equal_bytes(payload, expected, sizeof expected))
        return silent("read the identity", -EPROTO);
    memcpy(ticket, payload + SERVICE_IDENTITY, SERVICE_TICKET);
    return 0;
}

static void begin_with_identity(struct service_request *request, enum service_code code,
                                const struct enclave_identity *identity,
                                const uint8_t ticket[SERVICE_TICKET])
{
    uint8_t encoded[SERVICE_IDENTITY];
    service_identity_encode(identity, encoded);
    service_request_begin(request, code);
    service_request_add(request, encoded, sizeof encoded);
    service_request_add(request, ticket, SERVICE_TICKET);
}

uint32_t service_report(const struct enclave_identity *identity,
                        const uint8_t ticket[SERVICE_TICKET], const struct targetinfo *target,
                        const uint8_t report_data[REPORT_DATA_SIZE], struct report *report)
{
    struct service_request request;
    struct service_reply reply;
    const uint8_t *payload;
    begin_with_identity(&request, SERVICE_EREPORT, identity, ticket);
    service_request_add(&request, target, sizeof *target);
    service_request_add(&request, report_data, REPORT_DATA_SIZE);
    uint32_t status = ask(SERVICE_EREPORT, &request, &reply, &payload);
    if (status == 0)
        memcpy(report, payload, sizeof *report);
    return status;
}

uint32_t service_get_key(const struct enclave_identity *identity,
                         const uint8_t ticket[SERVICE_TICKET], const struct keyrequest *wanted,
                         uint8_t key[AES128_SIZE])
{
    struct service_request request;
    struct service_reply reply;
    const uint8_t *payload;
    begin_with_identity(&request, SERVICE_EGETKEY, identity, ticket);
    service_request_add(&request, wanted, sizeof *wanted);
    uint32_t status = ask(SERVICE_EGETKEY, &request, &reply, &payload);
    if (status == 0)
        memcpy(key, payload, AES128_SIZE);
    wipe(&reply, sizeof reply);
    return status;
}
