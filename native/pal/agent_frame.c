// SPDX-License-Identifier: Apache-2.0
#include "agent_frame.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

/* 1 when the socket is ready for `events`, 0 when `deadline` (-1: none) came first, -1 on error. */
static int await(int socket, short events, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline < 0 ? -1 : deadline - now_ms();
        if (deadline >= 0 && left < 0)
            left = 0;
        struct pollfd poller = {socket, events, 0};
        int ready = poll(&poller, 1, left > INT32_MAX ? INT32_MAX : (int)left);
        if (ready < 0 && errno == EINTR)
            continue;
        return ready;
    }
}

union control {
    struct cmsghdr header;
    char room[CMSG_SPACE(AGENT_FDS_MAX * sizeof(int))];
};

/* Moves received descriptors into the frame. False when there were more than fit. */
static bool keep_fds(struct msghdr *message, struct agent_frame *frame)
{
    bool ok = (message->msg_flags & MSG_CTRUNC) == 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        int count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        for (int i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + (size_t)i * sizeof(int), sizeof(fd));
            if (frame->fd_count < AGENT_FDS_MAX) {
                frame->fds[frame->fd_count++] = fd;
            } else {
                close(fd);
                ok = false;
            }
        }
    }
    return ok;
}

static enum frame_result receive_all(int socket, uint8_t *into, size_t size, int64_t deadline)
{
    while (size > 0) {
        int ready = await(socket, POLLIN, deadline);
        if (ready <= 0)
            return FRAME_LOST;
        ssize_t got = recv(socket, into, size, MSG_DONTWAIT);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0)
            return FRAME_LOST;
        into += got;
        size -= (size_t)got;
    }
    return FRAME_OK;
}

/* The frame's first bytes, at least one, and the descriptors that travel with it. */
static enum frame_result receive_start(int socket, uint8_t header[RECORD_HEADER], size_t *got,
                                       int first_ms, pthread_mutex_t *fd_guard,
                                       struct agent_frame *frame)
{
    int64_t deadline = first_ms < 0 ? -1 : now_ms() + first_ms;
    for (;;) {
        int ready = await(socket, POLLIN, deadline);
        if (ready <= 0)
            return ready == 0 ? FRAME_SILENT : FRAME_LOST;
        union control control;
        struct iovec bytes = {header, RECORD_HEADER};
        struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
        if (fd_guard != NULL) {
            message.msg_control = control.room;
            message.msg_controllen = sizeof(control.room);
            pthread_mutex_lock(fd_guard);
        }
        ssize_t size = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        int error = errno;
        /* Without a control buffer the kernel says MSG_CTRUNC for descriptors it dropped. */
        bool fds_fit = size <= 0 || keep_fds(&message, frame);
        if (fd_guard != NULL)
            pthread_mutex_unlock(fd_guard);
        errno = error;
        if (size < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (size < 0)
            return FRAME_LOST;
        if (size == 0)
            return FRAME_END;
        *got = (size_t)size;
        return fds_fit ? FRAME_OK : FRAME_MALFORMED;
    }
}

static enum frame_result receive_payload(int socket, const uint8_t header[RECORD_HEADER],
                                         uint32_t max, int64_t deadline, struct agent_frame *frame)
{
    uint32_t size;
    memcpy(&frame->code, header, 2);
    memcpy(&frame->flags, header + 2, 2);
    memcpy(&size, header + 4, 4);
    if (size > max)
        return FRAME_MALFORMED;
    size_t padded = ((size_t)size + 7) & ~(size_t)7;
    frame->buffer = malloc(padded + 1);
    if (frame->buffer == NULL)
        return FRAME_LOST;
    enum frame_result result = receive_all(socket, frame->buffer, padded, deadline);
    for (size_t i = size; result == FRAME_OK && i < padded; i++)
        if (frame->buffer[i] != 0)
            result = FRAME_MALFORMED;
    frame->payload = (struct reader){frame->buffer, frame->buffer + size, false};
    return result;
}

enum frame_result frame_receive(int socket, uint32_t max, int first_ms, pthread_mutex_t *fd_guard,
                                struct agent_frame *frame)
{
    *frame = (struct agent_frame){0};
    uint8_t header[RECORD_HEADER];
    size_t got = 0;
    enum frame_result result = receive_start(socket, header, &got, first_ms, fd_guard, frame);
    int64_t deadline = now_ms() + AGENT_FRAME_MS;
    if (result == FRAME_OK)
        result = receive_all(socket, header + got, RECORD_HEADER - got, deadline);
    if (result == FRAME_OK)
        result = receive_payload(socket, header, max, deadline, frame);
    if (result != FRAME_OK)
        frame_free(frame);
    return result;
}

void frame_free(struct agent_frame *frame)
{
    for (int i = 0; i < frame->fd_count; i++)
        close(frame->fds[i]);
    frame->fd_count = 0;
    free(frame->buffer);
    frame->buffer = NULL;
}

int frame_send(int socket, const void *bytes, size_t size, const int *fds, int fd_count)
{
    int64_t deadline = now_ms() + AGENT_FRAME_MS;
    const uint8_t *at = bytes;
    while (size > 0) {
        union control control = {0};
        struct iovec data = {(void *)(uintptr_t)at, size};
        struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
        if (fd_count > 0) {
            message.msg_control = control.room;
            message.msg_controllen = CMSG_SPACE((size_t)fd_count * sizeof(int));
            struct cmsghdr *c = CMSG_FIRSTHDR(&message);
            c->cmsg_level = SOL_SOCKET;
            c->cmsg_type = SCM_RIGHTS;
            c->cmsg_len = CMSG_LEN((size_t)fd_count * sizeof(int));
            memcpy(CMSG_DATA(c), fds, (size_t)fd_count * sizeof(int));
        }
        ssize_t sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            int ready = await(socket, POLLOUT, deadline);
            if (ready == 0)
                errno = ETIMEDOUT;
            if (ready <= 0)
                return -1;
            continue;
        }
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -1;
        at += sent;
        size -= (size_t)sent;
        fd_count = 0;
    }
    return 0;
}
