// SPDX-License-Identifier: Apache-2.0
/* Network devices that have come from the host: addresses and up, rtnetlink(7). */
#include "channel.h"
#include "operations.h"

#include <errno.h>
#include <net/if.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* musl comes without the kernel's headers: include/uapi/linux/netlink.h, rtnetlink.h. */
enum { ROUTE = 0, REQUEST = 1, ACK = 4, ERROR = 2, NEWLINK = 16, NEWADDR = 20 };

/* struct nlmsghdr */
struct header {
    uint32_t length;
    uint16_t type, flags;
    uint32_t sequence, port;
};

/* struct ifinfomsg */
struct link {
    uint8_t family, pad;
    uint16_t type;
    int32_t index;
    uint32_t flags, change;
};

/* struct ifaddrmsg */
struct address {
    uint8_t family, prefix, flags, scope;
    uint32_t index;
};

int op_await_devices(struct run *run, struct reader *payload, struct failure *f)
{
    if (payload_done(payload, f) < 0 || channel_send_devices(run, f) < 0)
        return -1;
    return channel_wait(run, CHANNEL_RESUME, f);
}

/* Sends one request and takes its acknowledgement: 0 or an error number. */
static int request(int socket, const void *message, size_t size)
{
    char answer[8192]; /* the error repeats the request, and may say more */
    if (send(socket, message, size, 0) != (ssize_t)size)
        return errno;
    ssize_t n;
    do
        n = recv(socket, answer, sizeof(answer), 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno;
    struct header header;
    int32_t error; /* struct nlmsgerr begins with it */
    if (n < (ssize_t)(sizeof(header) + sizeof(error)))
        return EPROTO;
    memcpy(&header, answer, sizeof(header));
    memcpy(&error, answer + sizeof(header), sizeof(error));
    return header.type == ERROR ? -error : EPROTO;
}

/* The length of the RTM_NEWADDR request at the beginning of the bytes; 0 where it is none. */
static size_t address_request(const uint8_t *bytes, size_t size)
{
    struct header header;
    const size_t least = sizeof(header) + sizeof(struct address);
    if (size < least)
        return 0;
    memcpy(&header, bytes, sizeof(header));
    if (header.length < least || header.length > size || header.length % 4 != 0 ||
        header.type != NEWADDR || (header.flags & ACK) == 0)
        return 0;
    return header.length;
}

static int add_addresses(int socket, unsigned index, const uint8_t *bytes, size_t size)
{
    uint8_t message[1024]; /* an address is far smaller */
    while (size > 0) {
        size_t length = address_request(bytes, size);
        if (length == 0 || length > sizeof(message))
            return EBADMSG;
        memcpy(message, bytes, length);
        memcpy(message + sizeof(struct header) + offsetof(struct address, index), &index,
               sizeof(index));
        int error = request(socket, message, length);
        if (error != 0)
            return error;
        bytes += length;
        size -= length;
    }
    return 0;
}

static int bring_up(int socket, unsigned index)
{
    struct {
        struct header header;
        struct link link;
    } message = {
        {.length = sizeof(message), .type = NEWLINK, .flags = REQUEST | ACK},
        {.index = (int32_t)index, .flags = IFF_UP, .change = IFF_UP},
    };
    return request(socket, &message, sizeof(message));
}

int op_net_device(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    uint32_t size;
    const char *name = read_string(payload, NULL);
    const uint8_t *addresses = read_bytes(payload, &size);
    if (payload_done(payload, f) < 0)
        return -1;
    unsigned index = if_nametoindex(name);
    if (index == 0)
        return fail_errno(f, errno, "find network device `%s`", name);
    int route = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, ROUTE);
    if (route < 0)
        return fail_errno(f, errno, "configure network device `%s`", name);
    const char *doing = "give network device `%s` its addresses";
    int error = add_addresses(route, index, addresses, size);
    if (error == 0) {
        doing = "bring up network device `%s`";
        error = bring_up(route, index);
    }
    close(route);
    return error != 0 ? fail_errno(f, error, doing, name) : 0;
}
