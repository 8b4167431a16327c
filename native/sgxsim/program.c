// SPDX-License-Identifier: Apache-2.0
#include "program.h"
#include "crypto/elf_parse.h"
#include <asm/stat.h>
#include <linux/fcntl.h>

#define S_IFMT_BITS 0170000
#define S_IFREG_BITS 0100000

#ifndef AT_EACCESS
#define AT_EACCESS 0x200
#endif
#define EXECUTABLE 1 /* X_OK */

/* Whether the kernel would execute it: permission, mount options, a regular file. */
static int check_permission(int directory, const char *path, int flags)
{
    long result = call(__NR_faccessat2, directory, path, EXECUTABLE,
                       AT_EACCESS | (flags & (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)));
    return is_error(result) ? (int)result : 0;
}

static int check_regular(int fd)
{
    struct stat status;
    long result = call(__NR_fstat, fd, &status);
    if (is_error(result))
        return (int)result;
    return (status.st_mode & S_IFMT_BITS) == S_IFREG_BITS ? 0 : -EACCES;
}

/* O_NONBLOCK: a FIFO must not make execve wait. */
static long open_file(int directory, const char *path, int flags)
{
    int open_flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    if ((flags & AT_SYMLINK_NOFOLLOW) != 0)
        open_flags |= O_NOFOLLOW;
    if (path[0] == 0 && (flags & AT_EMPTY_PATH) != 0)
        return call(__NR_fcntl, directory, F_DUPFD_CLOEXEC, 0);
    return call(__NR_openat, directory, path, open_flags, 0);
}

static int is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Splits "#! interpreter argument"; the argument is the rest of the line, without outer spaces. */
static int split_line(char *line, const char **interpreter, const char **argument)
{
    char *at = line + 2, *end;
    for (end = at; *end != 0 && *end != '\n'; end++)
        ;
    if (*end == 0 && end == line + SCRIPT_LINE - 1)
        return -ENOEXEC; /* the line is cut off */
    while (end > at && is_space(end[-1]))
        end--;
    *end = 0;
    while (is_space(*at))
        at++;
    if (*at == 0)
        return -ENOEXEC;
    *interpreter = at;
    while (*at != 0 && !is_space(*at))
        at++;
    *argument = NULL;
    if (*at != 0) {
        *at++ = 0;
        while (is_space(*at))
            at++;
        if (*at != 0)
            *argument = at;
    }
    return 0;
}

/* Puts interpreter and argument before what stands there; `script` replaces argv[0]. */
static void prepend(struct program_file *file, const char *interpreter, const char *argument,
                    const char *script)
{
    unsigned extra = argument != NULL ? 2 : 1;
    if (file->prefix_count == 0)
        file->prefix[file->prefix_count++] = script;
    memmove(file->prefix + extra, file->prefix, file->prefix_count * sizeof file->prefix[0]);
    file->prefix[0] = interpreter;
    if (argument != NULL)
        file->prefix[1] = argument;
    file->prefix_count += extra;
}

/* Follows `#!` lines until there is an ELF file at file->fd. */
static int follow_scripts(struct program_file *file)
{
    for (unsigned depth = 0;; depth++) {
        char first[SCRIPT_LINE];
        memset(first, 0, sizeof first);
        long size = call(__NR_pread64, file->fd, first, sizeof first - 1, 0);
        if (is_error(size))
            return (int)size;
        if (!starts_with(first, "#!"))
            return elf_headers_end(first, (size_t)size) != 0 ? 0 : -ENOEXEC;
        if (depth == SCRIPT_DEPTH - 1)
            return -ELOOP;
        const char *interpreter, *argument;
        memcpy(file->lines[depth], first, sizeof first);
        int error = split_line(file->lines[depth], &interpreter, &argument);
        if (error == 0)
            error = check_permission(AT_FDCWD, interpreter, 0);
        if (error != 0)
            return error;
        long next = open_file(AT_FDCWD, interpreter, 0);
        if (is_error(next))
            return (int)next;
        call(__NR_close, file->fd);
        file->fd = (int)next;
        /* In a chain the script before is an argument already. */
        prepend(file, interpreter, argument, file->path);
        file->path = interpreter;
        error = check_regular(file->fd);
        if (error != 0)
            return error;
    }
}

int program_from_fd(struct program_file *file, int fd, const char *path)
{
    file->fd = fd;
    file->path = path;
    file->prefix_count = 0;
    int error = check_regular(fd);
    if (error == 0)
        error = follow_scripts(file);
    if (error != 0)
        call(__NR_close, file->fd);
    return error;
}

int program_open(struct program_file *file, int directory, const char *path, int flags)
{
    int error = check_permission(directory, path, flags);
    if (error != 0)
        return error;
    long fd = open_file(directory, path, flags);
    if (is_error(fd))
        return (int)fd;
    return program_from_fd(file, (int)fd, path);
}

static const char *search_path(char *const *environment)
{
    for (; *environment != NULL; environment++)
        if (starts_with(*environment, "PATH="))
            return *environment + 5;
    return "/usr/local/bin:/usr/bin:/bin";
}

int program_search(struct program_file *file, const char *name, char *const *environment)
{
    static char candidate[4096];
    size_t name_size = strlen(name) + 1;
    if (last_component(name) != name)
        return program_open(file, AT_FDCWD, name, 0);
    int error = -ENOENT;
    const char *at = search_path(environment);
    for (;;) {
        size_t length = 0;
        while (at[length] != 0 && at[length] != ':')
            length++;
        if (length > 0 && length + 1 + name_size <= sizeof candidate) {
            memcpy(candidate, at, length);
            candidate[length] = '/';
            memcpy(candidate + length + 1, name, name_size);
            int found = program_open(file, AT_FDCWD, candidate, 0);
            if (found == 0)
                return 0;
            if (found == -EACCES)
                error = found;
        }
        if (at[length] == 0)
            return error;
        at += length + 1;
    }
}
