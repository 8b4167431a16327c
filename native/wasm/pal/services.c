// SPDX-License-Identifier: Apache-2.0
/* The host's services. They run with the container's identity: the kernel is the judge of them. */
#include "services.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "aesm.h"
#include "names.h"
#include "network.h"
#include "skeleton/output.h"

#define NS_IN_S INT64_C(1000000000)

static int64_t answer(struct shared *shared);
static int64_t or_errno(int64_t result);
static int64_t write_log(const struct shared *shared);
static int64_t clock_in_ns(uint64_t id, bool resolution);
static int64_t set_flags(int fd, uint64_t flags);
static int64_t advise(int fd, const uint64_t *arguments);
static int64_t read_directory(struct shared *shared, int fd);
static int64_t poll_all(struct shared *shared);
static int64_t receive(struct shared *shared, int fd);

void serve(struct shared *shared)
{
    shared->extra = 0;
    shared->result = answer(shared);
}

static size_t bounded(uint64_t size)
{
    return size < SHARED_DATA_SIZE ? size : SHARED_DATA_SIZE;
}

static int64_t answer(struct shared *shared)
{
    uint64_t *arguments = shared->arguments;
    int fd = (int)arguments[0];
    void *data = shared->data;
    switch ((enum host_operation)shared->operation) {
    case HOST_LOG:
        return write_log(shared);
    case HOST_READ:
        return or_errno(read(fd, data, bounded(arguments[1])));
    case HOST_WRITE:
        return or_errno(write(fd, data, bounded(arguments[1])));
    case HOST_PREAD:
        return or_errno(pread(fd, data, bounded(arguments[1]), (off_t)arguments[2]));
    case HOST_PWRITE:
        return or_errno(pwrite(fd, data, bounded(arguments[1]), (off_t)arguments[2]));
    case HOST_CLOSE:
        return or_errno(close(fd));
    case HOST_SEEK:
        return or_errno(lseek(fd, (off_t)arguments[1], (int)arguments[2]));
    case HOST_STAT: {
        struct stat status;
        if (fstat(fd, &status) < 0)
            return -errno;
        names_put_stat(shared, &status);
        return 0;
    }
    case HOST_SET_FLAGS:
        return set_flags(fd, arguments[1]);
    case HOST_TRUNCATE:
        return or_errno(ftruncate(fd, (off_t)arguments[1]));
    case HOST_ALLOCATE:
        return -posix_fallocate(fd, (off_t)arguments[1], (off_t)arguments[2]);
    case HOST_ADVISE:
        return advise(fd, arguments);
    case HOST_SYNC:
        return or_errno(arguments[1] ? fdatasync(fd) : fsync(fd));
    case HOST_READ_DIRECTORY:
        return read_directory(shared, fd);
    case HOST_POLL:
        return poll_all(shared);
    case HOST_CLOCK:
        return clock_in_ns(arguments[0], false);
    case HOST_CLOCK_RESOLUTION:
        return clock_in_ns(arguments[0], true);
    case HOST_YIELD:
        return or_errno(sched_yield());
    case HOST_RAISE:
        return or_errno(raise((int)arguments[0]));
    case HOST_ACCEPT:
        return or_errno(
            accept4(fd, NULL, NULL,
                    SOCK_CLOEXEC | ((arguments[1] & HOST_OPEN_NONBLOCK) ? SOCK_NONBLOCK : 0)));
    case HOST_RECEIVE:
        return receive(shared, fd);
    case HOST_SEND:
        return or_errno(send(fd, data, bounded(arguments[1]), MSG_NOSIGNAL));
    case HOST_SHUT_DOWN:
        return or_errno(shutdown(fd, arguments[1] == 3 ? SHUT_RDWR : (int)arguments[1] - 1));
    case HOST_LISTEN:
        return network_listen(shared);
    case HOST_CONNECT:
        return network_connect(shared);
    case HOST_QUOTE_TARGET:
        return aesm_quote_target(shared);
    case HOST_QUOTE:
        return aesm_quote(shared);
    case HOST_OPEN_AT:
    case HOST_OPEN_PREOPEN:
    case HOST_STAT_AT:
    case HOST_SET_TIMES:
    case HOST_SET_TIMES_AT:
    case HOST_MAKE_DIRECTORY:
    case HOST_REMOVE:
    case HOST_RENAME:
    case HOST_LINK:
    case HOST_SYMLINK:
    case HOST_READ_LINK:
        return names_serve(shared);
    case HOST_OPERATION_COUNT:
        break;
    }
    return -ENOSYS;
}

static int64_t or_errno(int64_t result)
{
    return result < 0 ? -errno : result;
}

static int64_t write_log(const struct shared *shared)
{
    output_write(STDERR_FILENO, (const char *)shared->data, bounded(shared->arguments[0]));
    return 0;
}

static int64_t clock_in_ns(uint64_t id, bool resolution)
{
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID,
                                       CLOCK_THREAD_CPUTIME_ID};
    struct timespec time;
    if (id >= sizeof(clocks) / sizeof(clocks[0]))
        return -EINVAL;
    int result = resolution ? clock_getres(clocks[id], &time) : clock_gettime(clocks[id], &time);
    return result < 0 ? -errno : time.tv_sec * NS_IN_S + time.tv_nsec;
}

static int64_t set_flags(int fd, uint64_t flags)
{
    int now = fcntl(fd, F_GETFL);
    if (now < 0)
        return -errno;
    now &= ~(O_APPEND | O_NONBLOCK);
    now |= (flags & HOST_OPEN_APPEND) ? O_APPEND : 0;
    now |= (flags & HOST_OPEN_NONBLOCK) ? O_NONBLOCK : 0;
    return or_errno(fcntl(fd, F_SETFL, now));
}

static int64_t advise(int fd, const uint64_t *arguments)
{
    static const int advice[] = {POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
                                 POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,   POSIX_FADV_NOREUSE};
    uint64_t number = arguments[3];
    if (number >= sizeof(advice) / sizeof(advice[0]))
        return -EINVAL;
    return -posix_fadvise(fd, (off_t)arguments[1], (off_t)arguments[2], advice[number]);
}

static int64_t read_directory(struct shared *shared, int fd)
{
    if (lseek(fd, (off_t)shared->arguments[1], SEEK_SET) < 0)
        return -errno;
    return or_errno(syscall(SYS_getdents64, fd, shared->data, bounded(shared->arguments[2])));
}

static int64_t poll_all(struct shared *shared)
{
    static struct pollfd polls[SHARED_VECTOR_MAX];
    struct host_poll *asked = (struct host_poll *)shared->data;
    uint64_t count = shared->arguments[0];
    bool forever = shared->arguments[2] != 0;
    if (count > SHARED_VECTOR_MAX)
        return -EINVAL;
    for (uint64_t i = 0; i < count; i++) {
        short events = (asked[i].events & HOST_POLL_READ) ? POLLIN : 0;
        events |= (asked[i].events & HOST_POLL_WRITE) ? POLLOUT : 0;
        polls[i] = (struct pollfd){.fd = asked[i].fd, .events = events};
    }
    struct timespec timeout = {(time_t)(shared->arguments[1] / (uint64_t)NS_IN_S),
                               (long)(shared->arguments[1] % (uint64_t)NS_IN_S)};
    int ready = ppoll(polls, count, forever ? NULL : &timeout, NULL);
    if (ready < 0)
        return -errno;
    for (uint64_t i = 0; i < count; i++) {
        short found = polls[i].revents;
        asked[i].revents = (uint16_t)(((found & POLLIN) ? HOST_POLL_READ : 0) |
                                      ((found & POLLOUT) ? HOST_POLL_WRITE : 0) |
                                      ((found & (POLLERR | POLLNVAL)) ? HOST_POLL_ERROR : 0) |
                                      ((found & POLLHUP) ? HOST_POLL_HANGUP : 0));
    }
    return ready;
}

/* WASI's RECV_PEEK is 1, RECV_WAITALL 2. */
static int64_t receive(struct shared *shared, int fd)
{
    uint64_t flags = shared->arguments[2];
    struct iovec part = {shared->data, bounded(shared->arguments[1])};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t size =
        recvmsg(fd, &message, ((flags & 1) ? MSG_PEEK : 0) | ((flags & 2) ? MSG_WAITALL : 0));
    if (size < 0)
        return -errno;
    shared->extra = (message.msg_flags & MSG_TRUNC) != 0;
    return size;
}
