// SPDX-License-Identifier: Apache-2.0
#include "testing.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void print_to(int fd, const char *format, ...)
{
    char line[8192];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (size >= (int)sizeof(line))
        size = sizeof(line) - 1;
    if (write(fd, line, (size_t)size) < 0)
        return; /* nobody listens */
}

void sleep_ms(int ms)
{
    struct timespec left = {ms / 1000, ms % 1000 * 1000000L};
    while (nanosleep(&left, &left) < 0)
        ;
}

static void print(const struct options *options, char *const *environment, int out)
{
    for (char *const *word = options->argv; *word != NULL; word++)
        print_to(out, "arg %s\n", *word);
    for (char *const *entry = environment; entry != NULL && *entry != NULL; entry++)
        print_to(out, "env %s\n", *entry);
    char cwd[4096];
    if (getcwd(cwd, sizeof(cwd)) != NULL)
        print_to(out, "cwd %s\n", cwd);
    print_to(out, "uid %d\n", (int)getuid());
}

static void print_fds(int out)
{
    for (int fd = 0; fd < 256; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            print_to(out, "fd %d\n", fd);
}

static void echo(int in, int out)
{
    char buffer[4096];
    for (ssize_t got = read(in, buffer, sizeof(buffer)); got > 0;
         got = read(in, buffer, sizeof(buffer)))
        for (ssize_t done = 0, sent; done < got; done += sent)
            if ((sent = write(out, buffer + done, (size_t)(got - done))) < 0)
                return;
}

/* A grandchild whose parent ends at once: the kernel gives it to the namespace's process 1. */
static void leave_orphan(int ms)
{
    pid_t parent = fork();
    if (parent > 0)
        waitpid(parent, NULL, 0);
    if (parent != 0)
        return;
    if (fork() == 0)
        sleep_ms(ms);
    _exit(0);
}

int payload_main(const struct options *options, char *const *environment, int in, int out)
{
    if (has_option(options, "exec-ignore"))
        signal(option_number(options, "exec-ignore", 0), SIG_IGN);
    if (has_option(options, "exec-print"))
        print(options, environment, out);
    if (has_option(options, "exec-fds"))
        print_fds(out);
    if (has_option(options, "probe"))
        probe(out);
    if (has_option(options, "exec-orphan"))
        leave_orphan(option_number(options, "exec-orphan", 0));
    if (has_option(options, "exec-echo"))
        echo(in, out);
    if (has_option(options, "exec-sleep"))
        sleep_ms(option_number(options, "exec-sleep", 0));
    if (has_option(options, "exec-signal"))
        raise(option_number(options, "exec-signal", 0));
    return option_number(options, "exec-status", 0);
}
