// SPDX-License-Identifier: Apache-2.0
/* The relay between the caller's streams and a container's terminal, in a process of its own. */
#include "../relay.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A terminal, the process that relays it, and the test's ends of its streams. */
struct session {
    int slave, input, output;
    int in, out, console; /* the relaying process's ends */
    pid_t pid;
};

static int open_pty(int *slave)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        abort();
    *slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios raw;
    tcgetattr(*slave, &raw);
    cfmakeraw(&raw);
    tcsetattr(*slave, TCSANOW, &raw);
    return master;
}

static void send_descriptors(int socket, const int *fds, size_t count)
{
    char control[CMSG_SPACE(4 * sizeof(int))] = {0}, byte = 'x';
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    if (count > 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), fds, count * sizeof(int));
    }
    if (sendmsg(socket, &message, 0) < 0)
        abort();
}

/* 0 when everything was relayed and the flags of 0 and 1 are as they were. */
static int relay_all(const struct session *s)
{
    struct relay relay;
    struct failure f = {0};
    dup2(s->in, 0);
    dup2(s->out, 1);
    int flags[2] = {fcntl(0, F_GETFL), fcntl(1, F_GETFL)};
    close(s->slave);
    close(s->input);
    close(s->output);
    close(s->in);
    close(s->out);
    if (relay_open(&relay, s->console, &f) < 0)
        return 2;
    while (relay.master >= 0) {
        struct pollfd fds[RELAY_POLLS];
        relay_prepare(&relay, fds);
        if (poll(fds, RELAY_POLLS, -1) < 0)
            return 3;
        relay_transfer(&relay, fds);
    }
    relay_close(&relay);
    return fcntl(0, F_GETFL) == flags[0] && fcntl(1, F_GETFL) == flags[1] ? 0 : 4;
}

static struct session start(int output_flags)
{
    struct session s;
    int console[2], input[2], output[2];
    int master = open_pty(&s.slave);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, console) < 0 ||
        pipe2(input, O_CLOEXEC) < 0 || pipe2(output, O_CLOEXEC) < 0)
        abort();
    fcntl(output[1], F_SETFL, O_WRONLY | output_flags);
    send_descriptors(console[1], &master, 1);
    close(master);
    close(console[1]);
    s.console = console[0], s.in = input[0], s.input = input[1];
    s.output = output[0], s.out = output[1];
    fflush(stdout);
    s.pid = fork();
    if (s.pid == 0)
        _exit(relay_all(&s));
    close(console[0]);
    close(input[0]);
    close(output[1]);
    return s;
}

static int finish(struct session *s)
{
    int status;
    if (s->slave >= 0)
        close(s->slave);
    if (s->input >= 0)
        close(s->input);
    close(s->output);
    waitpid(s->pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static char pattern(size_t at)
{
    return (char)('a' + (at * 7 + at / 251) % 26);
}

/* Writes `size` bytes of the pattern, in a child. */
static pid_t write_pattern(int fd, size_t size)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    for (size_t at = 0; at < size;) {
        char data[3000];
        size_t n = 0;
        for (; n < sizeof(data) && at + n < size; n++)
            data[n] = pattern(at + n);
        ssize_t written = write(fd, data, n);
        if (written < 0)
            _exit(1);
        at += (size_t)written;
    }
    _exit(0);
}

/* Reads `size` bytes and compares them with the pattern; how many were right. */
static size_t read_pattern(int fd, size_t size, useconds_t pause_us)
{
    size_t at = 0;
    while (at < size) {
        char data[1500];
        struct pollfd ready = {fd, POLLIN, 0};
        if (poll(&ready, 1, 5000) <= 0)
            return at;
        ssize_t n = read(fd, data, sizeof(data));
        for (ssize_t i = 0; i < n; i++, at++) {
            if (data[i] != pattern(at))
                return at;
        }
        if (n <= 0)
            return at;
        if (pause_us > 0 && at % 16 == 0)
            usleep(pause_us);
    }
    return at;
}

static void test_output(int flags, const char *name)
{
    const size_t size = 1 << 20;
    struct session s = start(flags);
    pid_t writer = write_pattern(s.slave, size);
    size_t got = read_pattern(s.output, size, 100);
    ok(got == size, "1 MiB of output arrives whole on %s (%zu)", name, got);
    waitpid(writer, NULL, 0);
    ok(finish(&s) == 0, "and the flags of the streams are as they were");
}

static void test_input(void)
{
    const size_t size = 200000;
    struct session s = start(0);
    pid_t writer = write_pattern(s.input, size);
    usleep(100000); /* the terminal's buffer, the relay's and the pipe are full by now */
    if (write(s.slave, "out", 3) != 3)
        abort();
    char data[4] = "";
    struct pollfd ready = {s.output, POLLIN, 0};
    bool flows = poll(&ready, 1, 3000) == 1 && read(s.output, data, 3) == 3;
    ok(flows && strcmp(data, "out") == 0, "output flows while nobody reads the input");
    size_t got = read_pattern(s.slave, size, 0);
    ok(got == size, "and the input arrives whole once somebody does (%zu)", got);
    waitpid(writer, NULL, 0);
    ok(finish(&s) == 0, "the relay ends well");
}

static void test_ends(void)
{
    struct session s = start(0);
    close(s.input);
    s.input = -1;
    usleep(20000);
    if (write(s.slave, "still", 5) != 5)
        abort();
    char data[8] = "";
    ok(read(s.output, data, 5) == 5 && strcmp(data, "still") == 0,
       "output goes on after the end of the input");
    if (write(s.slave, "last", 4) != 4)
        abort();
    close(s.slave);
    s.slave = -1;
    memset(data, 0, sizeof(data));
    ok(read(s.output, data, 4) == 4 && strcmp(data, "last") == 0,
       "what was written before the terminal's end arrives");
    ok(finish(&s) == 0, "the end of the terminal ends the relay");
}

static int open_with(const int *fds, size_t count, bool say, struct failure *f)
{
    int pair[2];
    struct relay relay;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        abort();
    if (say)
        send_descriptors(pair[1], fds, count);
    close(pair[1]);
    int result = relay_open(&relay, pair[0], f);
    close(pair[0]);
    return result;
}

static void test_bad_messages(void)
{
    struct failure f = {0};
    int fds[] = {0, 0, 0};
    ok(open_with(fds, 0, false, &f) < 0 && f.errno_value == EPROTO, "no message: refused");
    ok(open_with(fds, 0, true, &f) < 0 && f.errno_value == EPROTO, "no descriptor: refused");
    ok(open_with(fds, 3, true, &f) < 0 && f.errno_value == EPROTO, "three descriptors: refused");
    struct relay relay;
    ok(relay_open(&relay, -1, &f) == 0 && relay.master == -1, "no terminal: nothing to do");
    struct pollfd polls[RELAY_POLLS];
    relay_prepare(&relay, polls);
    ok(polls[0].fd == -1 && polls[1].fd == -1, "and nothing to wait for");
    relay_transfer(&relay, polls);
    relay_close(&relay);
}

/* The caller's own terminal is raw while it is relayed, and its size is the container's. */
static int with_terminal(void *unused)
{
    (void)unused;
    int slave, callers, pair[2], master = open_pty(&slave);
    int caller = open_pty(&callers);
    struct termios cooked, now;
    struct winsize size = {.ws_row = 33, .ws_col = 99}, got = {0};
    struct relay relay;
    struct failure f = {0};
    tcgetattr(callers, &cooked);
    cooked.c_lflag |= ICANON | ECHO | ISIG;
    tcsetattr(callers, TCSANOW, &cooked);
    tcgetattr(callers, &cooked);
    ioctl(callers, TIOCSWINSZ, &size);
    dup2(callers, 0);
    dup2(open("/dev/null", O_WRONLY), 1);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        return 1;
    send_descriptors(pair[1], &master, 1);
    if (relay_open(&relay, pair[0], &f) < 0)
        return 2;
    tcgetattr(0, &now);
    if ((now.c_lflag & (ICANON | ECHO | ISIG)) != 0)
        return 3;
    ioctl(slave, TIOCGWINSZ, &got);
    if (got.ws_row != 33 || got.ws_col != 99)
        return 4;
    size.ws_row = 44;
    ioctl(callers, TIOCSWINSZ, &size);
    relay_resize(&relay);
    ioctl(slave, TIOCGWINSZ, &got);
    if (got.ws_row != 44)
        return 5;
    relay_close(&relay);
    tcgetattr(0, &now);
    close(caller);
    return now.c_lflag == cooked.c_lflag ? 0 : 6;
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    test_output(0, "a blocking pipe");
    test_output(O_NONBLOCK, "a pipe that the caller has made non-blocking");
    test_input();
    test_ends();
    test_bad_messages();
    int status = in_child(with_terminal, NULL);
    ok(status == 0, "the caller's terminal is raw meanwhile, and restored (%d)", status);
    return tap_done();
}
