// SPDX-License-Identifier: Apache-2.0
/*
 * console SOCKET: listens on a console socket, takes the terminal that a runtime sends, copies what
 * it says to standard output until its end, and standard input to it.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int receive_terminal(int socket)
{
    char data[64], control[CMSG_SPACE(sizeof(int))];
    struct iovec vector = {data, sizeof(data)};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    int fd = -1;
    if (recvmsg(socket, &message, 0) < 0 || CMSG_FIRSTHDR(&message) == NULL)
        return -1;
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
    return fd;
}

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (argc != 2)
        return 2;
    strncpy(address.sun_path, argv[1], sizeof(address.sun_path) - 1);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener, 1) < 0)
        return 3;
    int terminal = receive_terminal(accept(listener, NULL, NULL));
    if (terminal < 0)
        return 4;
    char data[4096];
    struct pollfd fds[2] = {{terminal, POLLIN, 0}, {0, POLLIN, 0}};
    for (;;) {
        poll(fds, 2, -1);
        if (fds[1].revents != 0) {
            ssize_t n = read(0, data, sizeof(data));
            if (n <= 0)
                fds[1].fd = -1;
            else if (write(terminal, data, (size_t)n) < 0)
                return 5;
        }
        if (fds[0].revents != 0) {
            ssize_t n = read(terminal, data, sizeof(data));
            if (n <= 0)
                return 0;
            if (write(1, data, (size_t)n) < 0)
                return 6;
        }
    }
}
