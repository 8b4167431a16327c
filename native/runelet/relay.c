// SPDX-License-Identifier: Apache-2.0
/*
 * Standard input and output are open file descriptions shared with the caller: their flags are
 * never touched. Only the master is made non-blocking, so that a container that does not read its
 * input cannot keep its output from flowing.
 */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int receive_master(int console, struct failure *f)
{
    char data[64], control[CMSG_SPACE(sizeof(int))];
    struct iovec vector = {data, sizeof(data)};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    ssize_t n;
    do
        n = recvmsg(console, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return fail_errno(f, errno, "receive the terminal");
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(sizeof(int)))
        return fail_errno(f, EPROTO, "receive the terminal");
    int fd;
    memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    return fd;
}

int relay_open(struct relay *relay, int console, struct failure *f)
{
    memset(relay, 0, sizeof(*relay));
    relay->master = -1;
    if (console < 0)
        return 0;
    relay->master = receive_master(console, f);
    if (relay->master < 0)
        return -1;
    close(console);
    fcntl(relay->master, F_SETFL, O_RDWR | O_NONBLOCK);
    relay->input_open = true;
    relay_resize(relay);
    if (tcgetattr(0, &relay->saved) == 0) {
        struct termios raw = relay->saved;
        cfmakeraw(&raw);
        relay->raw = tcsetattr(0, TCSANOW, &raw) == 0;
    }
    return 0;
}

void relay_prepare(const struct relay *relay, struct pollfd *fds)
{
    bool pending = relay->pending_at < relay->pending_size;
    short wanted = pending ? POLLIN | POLLOUT : POLLIN;
    fds[0] = (struct pollfd){relay->master, wanted, 0};
    fds[1] = (struct pollfd){relay->input_open && !pending ? 0 : -1, POLLIN, 0};
}

static void write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
            /* The caller's descriptor may be non-blocking already: wait until it takes more. */
            struct pollfd writable = {fd, POLLOUT, 0};
            poll(&writable, 1, -1);
            continue;
        }
        if (n < 0)
            return; /* nobody reads any more; the container finds out by its own signals */
        data += n;
        size -= (size_t)n;
    }
}

/* Copies what the terminal has; false at its end (EIO once the last slave is closed). */
static bool copy_output(struct relay *relay)
{
    char data[4096];
    ssize_t n = read(relay->master, data, sizeof(data));
    if (n > 0)
        write_all(1, data, (size_t)n);
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

void relay_transfer(struct relay *relay, const struct pollfd *fds)
{
    if (relay->master < 0)
        return;
    if ((fds[0].revents & POLLOUT) != 0) {
        ssize_t n = write(relay->master, relay->pending + relay->pending_at,
                          relay->pending_size - relay->pending_at);
        relay->pending_at += n > 0 ? (size_t)n : 0;
    }
    if (fds[1].revents != 0) {
        ssize_t n = read(0, relay->pending, sizeof(relay->pending));
        relay->pending_at = 0;
        relay->pending_size = n > 0 ? (size_t)n : 0;
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            relay->input_open = false;
    }
    if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !copy_output(relay)) {
        close(relay->master);
        relay->master = -1;
    }
}

void relay_resize(const struct relay *relay)
{
    struct winsize size;
    for (int fd = 0; relay->master >= 0 && fd < 3; fd++) {
        if (ioctl(fd, TIOCGWINSZ, &size) == 0) {
            ioctl(relay->master, TIOCSWINSZ, &size);
            return;
        }
    }
}

void relay_close(struct relay *relay)
{
    while (relay->master >= 0) {
        struct pollfd readable = {relay->master, POLLIN, 0};
        if (poll(&readable, 1, 0) <= 0 || !copy_output(relay))
            break;
    }
    if (relay->master >= 0)
        close(relay->master);
    if (relay->raw)
        tcsetattr(0, TCSANOW, &relay->saved);
}
