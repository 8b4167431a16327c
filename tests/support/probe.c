// SPDX-License-Identifier: Apache-2.0
/*
 * What the runtime's tests need of the kernel and no shell can do.
 *
 *   probe console SOCKET
 *     Listens on a console socket, takes the terminal that a runtime sends; copies what it says to
 *     standard output, and standard input to it.
 *
 *   probe pty ROWS COLUMNS CMD
 *     Runs a command on a new terminal, relays it, ends with its status. A group separator and
 *     ROWSxCOLUMNS on standard input change the terminal's size.
 *
 *   probe dirty CMD
 *     Runs a command with every signal ignored and blocked that can be, and descriptors open.
 *
 *   probe adopt CMD
 *     Runs a command as the one who inherits its orphans, and tells how many of them it left dead
 *     and not waited for.
 *
 *   probe notify TEXT
 *     Sends a datagram to $NOTIFY_SOCKET and stays.
 *
 *   probe lock FILE
 *     Makes the file, locks it (flock) and stays.
 *
 *   probe flags
 *     Prints the flags and terminal settings of descriptors 0 to 2.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define RESIZE 0x1d /* group separator: no test types it */

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(99);
}

static void write_all(int fd, const char *data, size_t size)
{
    for (ssize_t n; size > 0; data += n, size -= (size_t)n) {
        n = write(fd, data, size);
        must(n > 0, "write");
    }
}

static int receive_terminal(int socket)
{
    char data[4096], control[CMSG_SPACE(sizeof(int))];
    struct iovec vector = {data, sizeof(data)};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    int fd = -1;
    must(recvmsg(socket, &message, 0) > 0, "recvmsg");
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    must(header != NULL && header->cmsg_type == SCM_RIGHTS, "descriptor");
    memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    must(isatty(fd), "terminal");
    return fd;
}

/* Sends what was typed to the terminal; a RESIZE in it is ours. */
static void type(int terminal, char *data, size_t size)
{
    data[size] = 0;
    char *resize = strchr(data, RESIZE);
    if (resize == NULL) {
        write_all(terminal, data, size);
        return;
    }
    struct winsize window = {0};
    must(sscanf(resize + 1, "%hux%hu", &window.ws_row, &window.ws_col) == 2, "size");
    must(ioctl(terminal, TIOCSWINSZ, &window) == 0, "TIOCSWINSZ");
}

/* Until the terminal's last user has gone. */
static void relay(int terminal)
{
    char data[4096];
    struct pollfd fds[2] = {{terminal, POLLIN, 0}, {0, POLLIN, 0}};
    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return;
        if (fds[1].revents != 0) {
            ssize_t n = read(0, data, sizeof(data) - 1);
            if (n > 0)
                type(terminal, data, (size_t)n);
            else
                fds[1].fd = -1;
        }
        if (fds[0].revents != 0) {
            ssize_t n = read(terminal, data, sizeof(data));
            if (n <= 0)
                return;
            write_all(1, data, (size_t)n);
        }
    }
}

static int console(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    must(strlen(path) < sizeof(address.sun_path), "path");
    strcpy(address.sun_path, path);
    must(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0, "bind");
    must(listen(listener, 1) == 0, "listen");
    int connection = accept(listener, NULL, NULL);
    must(connection >= 0, "accept");
    relay(receive_terminal(connection));
    return 0;
}

static int pty(char **argv)
{
    struct winsize size = {(unsigned short)atoi(argv[0]), (unsigned short)atoi(argv[1]), 0, 0};
    int terminal, status;
    pid_t child = forkpty(&terminal, NULL, NULL, &size);
    must(child >= 0, "forkpty");
    if (child == 0) {
        execvp(argv[2], argv + 2);
        _exit(98);
    }
    relay(terminal);
    must(waitpid(child, &status, 0) == child, "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int dirty(char **argv)
{
    sigset_t all;
    sigfillset(&all);
    for (int sig = 1; sig <= SIGRTMAX; sig++)
        signal(sig, SIG_IGN); /* some cannot be: no matter */
    signal(SIGCHLD, SIG_DFL); /* the runtime's own waits */
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (int fd = 3; fd < 20; fd++)
        must(open("/etc/passwd", O_RDONLY) >= 0, "open");
    must(dup2(3, 200) == 200, "dup2");
    execvp(argv[0], argv);
    return 98;
}

static int adopt(char **argv)
{
    int zombies = 0;
    must(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "PR_SET_CHILD_SUBREAPER");
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        execvp(argv[0], argv);
        _exit(98);
    }
    must(waitpid(child, NULL, 0) == child, "waitpid");
    usleep(300000); /* an orphan that is dying by itself has died by then */
    while (waitpid(-1, NULL, WNOHANG) > 0)
        zombies++;
    printf("%d\n", zombies);
    return 0;
}

static int flags(void)
{
    for (int fd = 0; fd < 3; fd++) {
        struct termios t;
        printf("%d: flags %#x", fd, (unsigned)fcntl(fd, F_GETFL));
        if (tcgetattr(fd, &t) == 0) {
            printf(" termios %x %x %x %x", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
            for (size_t i = 0; i < NCCS; i++)
                printf("%s%x", i == 0 ? " " : ",", t.c_cc[i]);
        }
        printf("\n");
    }
    return 0;
}

/* probe notify TEXT: one datagram to $NOTIFY_SOCKET, then sleeps. */
static int notify(const char *text)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (path == NULL || fd < 0 || strlen(path) >= sizeof(address.sun_path))
        return 96;
    strcpy(address.sun_path, path);
    if (sendto(fd, text, strlen(text), 0, (struct sockaddr *)&address, sizeof(address)) < 0) {
        perror(path);
        return 95;
    }
    pause();
    return 0;
}

/* probe lock FILE: says so in FILE once it holds the lock. */
static int lock(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || write(fd, "locked", 6) != 6) {
        perror(path);
        return 94;
    }
    pause();
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "notify") == 0)
        return notify(argv[2]);
    if (argc == 3 && strcmp(argv[1], "lock") == 0)
        return lock(argv[2]);
    if (argc == 3 && strcmp(argv[1], "console") == 0)
        return console(argv[2]);
    if (argc >= 5 && strcmp(argv[1], "pty") == 0)
        return pty(argv + 2);
    if (argc >= 3 && strcmp(argv[1], "dirty") == 0)
        return dirty(argv + 2);
    if (argc >= 3 && strcmp(argv[1], "adopt") == 0)
        return adopt(argv + 2);
    if (argc == 2 && strcmp(argv[1], "flags") == 0)
        return flags();
    fprintf(stderr, "usage: see probe.c\n");
    return 97;
}
