// SPDX-License-Identifier: Apache-2.0
/* Packets with descriptors, of the planner's socket and of the shim's monitor. */
#include "planner.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

bool planner_send(int socket, const void *bytes, size_t size, const int *descriptors, size_t count)
{
    /* struct cmsghdr wants its alignment. */
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(PLANNER_DESCRIPTORS_MAX * sizeof(int))];
    } control;
    struct iovec part = {(void *)(uintptr_t)bytes, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > PLANNER_DESCRIPTORS_MAX)
        return false;
    if (count > 0) {
        memset(&control, 0, sizeof(control));
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(&control.header), descriptors, count * sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)size;
}

static void take_descriptors(struct packet *packet, struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count && packet->count < PLANNER_DESCRIPTORS_MAX; i++)
            memcpy(&packet->descriptors[packet->count++], CMSG_DATA(c) + i * sizeof(int),
                   sizeof(int));
    }
}

bool planner_receive(int socket, struct packet *packet)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(PLANNER_DESCRIPTORS_MAX * sizeof(int))];
    } control;
    struct iovec part = {packet->bytes, sizeof(packet->bytes)};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    ssize_t size;
    do
        size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (size < 0 && errno == EINTR);
    packet->size = 0;
    packet->count = 0;
    if (size < 0)
        return errno == ECONNRESET;
    take_descriptors(packet, &message);
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        errno = EMSGSIZE;
        return false;
    }
    packet->size = (size_t)size;
    return true;
}
