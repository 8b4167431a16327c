// SPDX-License-Identifier: Apache-2.0
/*
 * Whoever stands at the other end of a runtime's sockets. Runs on the host.
 *
 *   listener pidfd SOCKET
 *     Takes one message with a pidfd; prints the message and the pid, and kills the process once
 * there is a file SOCKET.kill.
 *
 *   listener agent SOCKET COUNT PATH GIFT
 *     A seccomp agent for COUNT processes: writes the N-th message it gets to PATH.N, and answers
 * what the listener in it notifies of. mkdir of a name that ends in "-fail" fails with ENOMEDIUM,
 * of one that ends in "-fake" succeeds without effect; opening a name that ends in "-gift" opens
 * GIFT; all else goes on. Ends when all those processes have.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(99);
}

static int listen_on(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    must(strlen(path) < sizeof(address.sun_path), "path");
    strcpy(address.sun_path, path);
    must(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "bind");
    must(listen(fd, 16) == 0, "listen");
    return fd;
}

/* One connection, one message, one descriptor; not its end, for which runc lets one wait. */
static int receive(int listener, char *text, size_t size)
{
    char control[CMSG_SPACE(sizeof(int))];
    struct iovec vector = {text, size - 1};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    int fd, connection = accept(listener, NULL, NULL);
    must(connection >= 0, "accept");
    ssize_t used = recvmsg(connection, &message, 0);
    must(used > 0, "recvmsg");
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    must(header != NULL && header->cmsg_type == SCM_RIGHTS, "descriptor");
    memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    text[used] = 0;
    close(connection);
    return fd;
}

static int pidfd(const char *path)
{
    char text[256], name[64], line[128];
    int fd = receive(listen_on(path), text, sizeof(text));
    snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
    FILE *info = fopen(name, "r");
    while (info != NULL && fgets(line, sizeof(line), info) != NULL) {
        int pid;
        if (sscanf(line, "Pid: %d", &pid) == 1)
            printf("%s %d\n", text, pid);
    }
    fflush(stdout);
    snprintf(text, sizeof(text), "%s.kill", path);
    while (access(text, F_OK) < 0)
        usleep(10000);
    must(syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0, "pidfd_send_signal");
    return 0;
}

static int ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), n = strlen(end);
    return size >= n && strcmp(text + size - n, end) == 0;
}

/* The string at an address of the process, once it is sure that it is still the same process. */
static void read_path(int listener, const struct seccomp_notif *request, uint64_t at, char *path,
                      size_t size)
{
    char name[64];
    snprintf(name, sizeof(name), "/proc/%u/mem", request->pid);
    int memory = open(name, O_RDONLY);
    ssize_t n = memory < 0 ? 0 : pread(memory, path, size - 1, (off_t)at);
    path[n > 0 ? n : 0] = 0;
    if (memory >= 0)
        close(memory);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &request->id) < 0)
        path[0] = 0;
}

static void answer(int listener, const struct seccomp_notif *request, const char *gift)
{
    char path[4096];
    int call = request->data.nr;
    int at = call == SYS_openat || call == SYS_mkdirat;
    struct seccomp_notif_resp response = {.id = request->id,
                                          .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    read_path(listener, request, request->data.args[at ? 1 : 0], path, sizeof(path));
    if (ends_with(path, "-gift")) {
        struct seccomp_notif_addfd given = {.id = request->id,
                                            .flags = SECCOMP_ADDFD_FLAG_SEND,
                                            .srcfd = (uint32_t)open(gift, O_RDONLY)};
        must(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &given) >= 0, "ADDFD");
        close((int)given.srcfd);
        return;
    }
    if (ends_with(path, "-fail") || ends_with(path, "-fake")) {
        response.flags = 0;
        response.error = ends_with(path, "-fail") ? -ENOMEDIUM : 0;
    }
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

static void serve(int listener, const char *gift)
{
    for (;;) {
        struct seccomp_notif request = {0};
        struct pollfd readable = {listener, POLLIN, 0};
        if (poll(&readable, 1, -1) < 0 || (readable.revents & POLLIN) == 0)
            return; /* POLLHUP: nobody has the filter any more */
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) == 0)
            answer(listener, &request, gift);
    }
}

static int agent(const char *socket_path, int count, const char *path, const char *gift)
{
    static char text[1 << 20];
    int listener = listen_on(socket_path);
    for (int i = 0; i < count; i++) {
        char name[4096], fresh[4100];
        int notifications = receive(listener, text, sizeof(text));
        snprintf(name, sizeof(name), "%s.%d", path, i);
        snprintf(fresh, sizeof(fresh), "%s.new", name);
        FILE *file = fopen(fresh, "w");
        must(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0, "write");
        must(rename(fresh, name) == 0, "rename");
        if (fork() == 0) {
            serve(notifications, gift);
            _exit(0);
        }
        close(notifications);
    }
    while (wait(NULL) > 0)
        ;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "pidfd") == 0)
        return pidfd(argv[2]);
    if (argc == 6 && strcmp(argv[1], "agent") == 0)
        return agent(argv[2], atoi(argv[3]), argv[4], argv[5]);
    fprintf(stderr, "usage: see listener.c\n");
    return 97;
}
