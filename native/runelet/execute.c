// SPDX-License-Identifier: Apache-2.0
/* The end of a container's plan: find the program, wait for `rune start`, become it. */
#include "kernel.h"
#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* 0 when the path is a file this process may execute, else an errno. */
static int executable(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return errno;
    if (!S_ISREG(st.st_mode))
        return EACCES;
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

static int missing(struct failure *f, int error, const char *name)
{
    enum failure_code code =
        error == ENOENT || error == ENOTDIR ? FAILURE_NOT_FOUND : FAILURE_NOT_EXECUTABLE;
    fail_code(f, code, strerror(error), "exec `%s`", name);
    f->errno_value = error;
    return -1;
}

/* Every directory of PATH in turn; an empty one is the current directory (POSIX, 8.3). */
static char *search(const char *name, const char *path, int *error)
{
    char candidate[PATH_MAX];
    *error = ENOENT;
    for (;;) {
        size_t length = strcspn(path, ":");
        int n = snprintf(candidate, sizeof(candidate), "%.*s/%s", (int)length,
                         length > 0 ? path : ".", name);
        if (length == 0)
            n = snprintf(candidate, sizeof(candidate), "./%s", name);
        int result = n < (int)sizeof(candidate) ? executable(candidate) : ENAMETOOLONG;
        if (result == 0)
            return strdup(candidate);
        if (result == EACCES)
            *error = EACCES;
        if (path[length] == 0)
            return NULL;
        path += length + 1;
    }
}

int op_find_program(struct run *run, struct reader *payload, struct failure *f)
{
    const char *name = read_string(payload, NULL), *path = read_string(payload, NULL);
    int error = ENOENT;
    if (payload_done(payload, f) < 0)
        return -1;
    if (strchr(name, '/') != NULL) {
        error = executable(name);
        if (error == 0)
            run->program_path = strdup(name);
    } else if (name[0] != 0 && path[0] != 0) {
        run->program_path = search(name, path, &error);
        if (run->program_path == NULL && error == ENOENT)
            return fail_code(f, FAILURE_NOT_FOUND, "executable file not found in $PATH",
                             "exec `%s`", name);
    } else {
        return fail_code(f, FAILURE_NOT_FOUND, "executable file not found in $PATH", "exec `%s`",
                         name);
    }
    return run->program_path == NULL ? missing(f, error, name) : 0;
}

int op_wait_fifo(struct run *run, struct reader *payload, struct failure *f)
{
    uint32_t slot = read_u32(payload);
    char byte;
    if (payload_done(payload, f) < 0)
        return -1;
    int fifo = slot_fd(run, slot, f);
    if (fifo < 0)
        return -1;
    /* The channel ends here: whoever created the container may go. */
    if (run->channel >= 0)
        close(run->channel);
    run->channel = -1;
    ssize_t n;
    do
        n = read(fifo, &byte, 1);
    while (n < 0 && errno == EINTR);
    return n == 1 ? 0 : fail_errno(f, n < 0 ? errno : EPIPE, "wait for the start");
}

/*
 * The home directory in a line of passwd(5), "name:password:uid:gid:gecos:home:shell", when the
 * line is the uid's. The line may be anything: it comes from the image.
 */
static char *home_in_line(char *line, uid_t uid)
{
    char *field[7], *end;
    for (int i = 0; i < 7; i++) {
        field[i] = strsep(&line, ":");
        if (field[i] == NULL)
            return NULL;
    }
    unsigned long found = strtoul(field[2], &end, 10);
    return end != field[2] && *end == 0 && found == uid ? field[5] : NULL;
}

/* The image's /etc/passwd may be a fifo or a device; only a file is read. */
static FILE *open_passwd(void)
{
    struct stat st;
    int fd = open("/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fdopen(fd, "r");
    if (fd >= 0)
        close(fd);
    return NULL;
}

/* What runc and crun do for a payload without HOME: the container's /etc/passwd, else "/". */
int op_home(struct run *run, struct reader *payload, struct failure *f)
{
    char line[1024], *home = NULL;
    uid_t uid = read_u32(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    FILE *file = open_passwd();
    while (file != NULL && home == NULL && fgets(line, sizeof(line), file) != NULL)
        home = home_in_line(line, uid);
    if (asprintf(&run->home, "HOME=%s", home != NULL && home[0] != 0 ? home : "/") < 0)
        return fail_errno(f, ENOMEM, "find the home directory");
    if (file != NULL)
        fclose(file);
    return 0;
}

char **with_home(const struct run *run, char **environment)
{
    if (run->home == NULL)
        return environment;
    size_t count = 0;
    while (environment[count] != NULL)
        count++;
    char **larger = calloc(count + 2, sizeof(*larger));
    if (larger == NULL)
        return environment;
    memcpy(larger, environment, count * sizeof(*larger));
    larger[count] = run->home;
    return larger;
}

int op_exec(struct run *run, struct reader *payload, struct failure *f)
{
    char **argv = read_list(payload), **environment = read_list(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    if (run->program_path == NULL || argv[0] == NULL)
        return fail_code(f, FAILURE_PLAN, "no program", "exec");
    execve(run->program_path, argv, with_home(run, environment));
    return missing(f, errno, run->program_path);
}
