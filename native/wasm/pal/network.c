// SPDX-License-Identifier: Apache-2.0
#include "network.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 128 };

static int finish(int fd, bool ok)
{
    if (ok)
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

int64_t network_listen(struct shared *shared)
{
    bool six = shared->arguments[0] == 6;
    in_port_t port = htons((uint16_t)shared->arguments[1]);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = port};
    memcpy(&in.sin_addr, shared->data, sizeof(in.sin_addr));
    memcpy(&in6.sin6_addr, shared->data, sizeof(in6.sin6_addr));
    int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    const int one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    bool ok = bind(fd, six ? (struct sockaddr *)&in6 : (struct sockaddr *)&in,
                   six ? sizeof(in6) : sizeof(in)) == 0 &&
              listen(fd, BACKLOG) == 0;
    return finish(fd, ok);
}

/* The name is resolved here, by a process that may load the resolver's libraries. */
int64_t network_connect(struct shared *shared)
{
    uint64_t length = shared->arguments[0];
    if (length >= SHARED_DATA_SIZE)
        return -ENAMETOOLONG;
    shared->data[length] = '\0';
    char port[8];
    snprintf(port, sizeof(port), "%u", (unsigned)(uint16_t)shared->arguments[1]);
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found;
    int failure = getaddrinfo((const char *)shared->data, port, &hints, &found);
    if (failure != 0)
        return failure == EAI_SYSTEM ? -errno : -EHOSTUNREACH;
    int64_t result = -EHOSTUNREACH;
    for (const struct addrinfo *one = found; one != NULL && result < 0; one = one->ai_next) {
        int fd = socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) {
            result = -errno;
            continue;
        }
        result = finish(fd, connect(fd, one->ai_addr, one->ai_addrlen) == 0);
    }
    freeaddrinfo(found);
    return result;
}
