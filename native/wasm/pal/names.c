// SPDX-License-Identifier: Apache-2.0
#include "names.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NS_IN_S INT64_C(1000000000)

enum { FILE_MODE = 0666, DIRECTORY_MODE = 0777, FD_NAME_SIZE = 32 };

/* A name's directory, opened beneath the program's, and the name itself. */
struct place {
    int directory; /* to be closed */
    const char *name;
};

static int64_t open_at(struct shared *shared);
static int64_t open_preopen(struct shared *shared);
static int64_t stat_at(struct shared *shared);
static int64_t set_times(const struct shared *shared, int fd, const char *name);
static int64_t on_one(struct shared *shared);
static int64_t on_two(struct shared *shared);
static int64_t link_followed(int directory, const char *path, int to_directory, char *to_path);

int64_t names_serve(struct shared *shared)
{
    switch (shared->operation) {
    case HOST_OPEN_AT:
        return open_at(shared);
    case HOST_OPEN_PREOPEN:
        return open_preopen(shared);
    case HOST_STAT_AT:
        return stat_at(shared);
    case HOST_SET_TIMES: {
        /* The enclave counts its arguments from the descriptor on. */
        shared->arguments[4] = shared->arguments[3];
        shared->arguments[3] = shared->arguments[2];
        shared->arguments[2] = shared->arguments[1];
        return set_times(shared, (int)shared->arguments[0], NULL);
    }
    case HOST_RENAME:
    case HOST_LINK:
        return on_two(shared);
    default:
        return on_one(shared);
    }
}

/* The latest that can be told, for what is later: a file can have any time. */
static int64_t in_ns(struct timespec time)
{
    int64_t ns;
    if (__builtin_mul_overflow(time.tv_sec, NS_IN_S, &ns) ||
        __builtin_add_overflow(ns, time.tv_nsec, &ns))
        return time.tv_sec < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

void names_put_stat(struct shared *shared, const struct stat *status)
{
    const struct host_stat out = {
        .device = status->st_dev,
        .inode = status->st_ino,
        .mode = status->st_mode,
        .links = status->st_nlink,
        .size = (uint64_t)status->st_size,
        .access_ns = in_ns(status->st_atim),
        .modify_ns = in_ns(status->st_mtim),
        .change_ns = in_ns(status->st_ctim),
    };
    memcpy(shared->data, &out, sizeof(out));
}

/* A path in the data area: its length has been given, its NUL is there. */
static char *path_at(struct shared *shared, size_t offset, uint64_t length)
{
    if (offset >= SHARED_DATA_SIZE || length >= SHARED_DATA_SIZE - offset)
        return NULL;
    char *path = (char *)shared->data + offset;
    path[length] = '\0';
    return path;
}

static size_t behind(size_t offset, uint64_t length)
{
    return offset + ((length + 8) & ~(uint64_t)7);
}

static int open_beneath(int directory, const char *path, uint64_t flags, uint64_t mode)
{
    struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = RESOLVE_BENEATH};
    long fd = syscall(SYS_openat2, directory, path, &how, sizeof(how));
    return fd < 0 ? -errno : (int)fd;
}

/* The name of what a descriptor is open for: one that may be followed. */
static const char *fd_name(int fd, char name[FD_NAME_SIZE])
{
    snprintf(name, FD_NAME_SIZE, "/proc/self/fd/%d", fd);
    return name;
}

static int64_t open_at(struct shared *shared)
{
    static const struct {
        uint64_t asked, flag;
    } names[] = {{HOST_OPEN_CREATE, O_CREAT},   {HOST_OPEN_DIRECTORY, O_DIRECTORY},
                 {HOST_OPEN_EXCLUSIVE, O_EXCL}, {HOST_OPEN_TRUNCATE, O_TRUNC},
                 {HOST_OPEN_APPEND, O_APPEND},  {HOST_OPEN_NONBLOCK, O_NONBLOCK},
                 {HOST_OPEN_SYNC, O_SYNC},      {HOST_OPEN_DSYNC, O_DSYNC}};
    uint64_t asked = shared->arguments[2];
    const char *path = path_at(shared, 0, shared->arguments[1]);
    if (path == NULL)
        return -ENAMETOOLONG;
    bool reads = asked & HOST_OPEN_READ, writes = asked & HOST_OPEN_WRITE;
    uint64_t flags = writes ? (reads ? O_RDWR : O_WRONLY) : O_RDONLY;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        flags |= (asked & names[i].asked) ? names[i].flag : 0;
    flags |= (asked & HOST_OPEN_FOLLOW) ? 0 : O_NOFOLLOW;
    return open_beneath((int)shared->arguments[0], path, flags, (flags & O_CREAT) ? FILE_MODE : 0);
}

static int64_t open_preopen(struct shared *shared)
{
    const char *path = path_at(shared, 0, shared->arguments[0]);
    if (path == NULL)
        return -ENAMETOOLONG;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int64_t place_open(int directory, char *path, struct place *place)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        path[--length] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL) {
        place->name = path;
        place->directory = open_beneath(directory, ".", O_PATH | O_DIRECTORY, 0);
    } else {
        *slash = '\0';
        place->name = slash + 1;
        place->directory = open_beneath(directory, path, O_PATH | O_DIRECTORY, 0);
    }
    if (place->directory < 0)
        return place->directory;
    /* ".." as a last part would lead above what was resolved beneath. */
    if (strcmp(place->name, "..") == 0) {
        close(place->directory);
        return -EINVAL;
    }
    return 0;
}

static int64_t finish(const struct place *place, int result)
{
    int64_t answer = result < 0 ? -errno : result;
    close(place->directory);
    return answer;
}

static int64_t stat_at(struct shared *shared)
{
    const char *path = path_at(shared, 0, shared->arguments[1]);
    struct stat status;
    if (path == NULL)
        return -ENAMETOOLONG;
    int fd = open_beneath((int)shared->arguments[0], path,
                          O_PATH | (shared->arguments[2] ? 0 : O_NOFOLLOW), 0);
    if (fd < 0)
        return fd;
    int64_t result = fstat(fd, &status) < 0 ? -errno : 0;
    close(fd);
    if (result == 0)
        names_put_stat(shared, &status);
    return result;
}

/* Arguments 2 and 3: times in ns, 4: enum host_times. */
static int64_t set_times(const struct shared *shared, int fd, const char *name)
{
    uint64_t flags = shared->arguments[4];
    const uint64_t given[] = {shared->arguments[2], shared->arguments[3]};
    struct timespec times[2];
    for (int i = 0; i < 2; i++, flags >>= 2) {
        times[i].tv_sec = (time_t)(given[i] / (uint64_t)NS_IN_S);
        times[i].tv_nsec = (flags & HOST_ATIME_NOW) ? UTIME_NOW
                           : (flags & HOST_ATIME)   ? (long)(given[i] % (uint64_t)NS_IN_S)
                                                    : UTIME_OMIT;
    }
    int result =
        name == NULL ? futimens(fd, times) : utimensat(fd, name, times, AT_SYMLINK_NOFOLLOW);
    return result < 0 ? -errno : 0;
}

static int64_t set_times_at(struct shared *shared, char *path)
{
    struct place place;
    bool follows = shared->arguments[4] >> 8;
    shared->arguments[4] &= 0xff;
    if (follows) {
        int fd = open_beneath((int)shared->arguments[0], path, O_PATH, 0);
        if (fd < 0)
            return fd;
        /* futimens wants no O_PATH descriptor; its name in /proc may be followed. */
        char name[FD_NAME_SIZE];
        int plain = open(fd_name(fd, name), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        int64_t result = plain < 0 ? -errno : set_times(shared, plain, NULL);
        if (plain >= 0)
            close(plain);
        close(fd);
        return result;
    }
    int64_t result = place_open((int)shared->arguments[0], path, &place);
    if (result < 0)
        return result;
    result = set_times(shared, place.directory, place.name);
    close(place.directory);
    return result;
}

static int64_t on_one(struct shared *shared)
{
    struct place place;
    uint64_t *arguments = shared->arguments;
    bool symlink = shared->operation == HOST_SYMLINK;
    const char *target = symlink ? path_at(shared, 0, arguments[0]) : NULL;
    size_t offset = symlink ? behind(0, arguments[0]) : 0;
    char *path = path_at(shared, offset, symlink ? arguments[2] : arguments[1]);
    int directory = (int)(symlink ? arguments[1] : arguments[0]);
    if (path == NULL || (symlink && target == NULL))
        return -ENAMETOOLONG;
    if (shared->operation == HOST_SET_TIMES_AT)
        return set_times_at(shared, path);
    int64_t result = place_open(directory, path, &place);
    if (result < 0)
        return result;
    switch (shared->operation) {
    case HOST_MAKE_DIRECTORY:
        return finish(&place, mkdirat(place.directory, place.name, DIRECTORY_MODE));
    case HOST_REMOVE:
        return finish(&place,
                      unlinkat(place.directory, place.name, arguments[2] ? AT_REMOVEDIR : 0));
    case HOST_SYMLINK:
        return finish(&place, symlinkat(target, place.directory, place.name));
    case HOST_READ_LINK: {
        char link[4096];
        size_t most = arguments[2] < sizeof(link) ? arguments[2] : sizeof(link);
        ssize_t size = readlinkat(place.directory, place.name, link, most);
        if (size > 0)
            memcpy(shared->data, link, (size_t)size);
        return finish(&place, (int)size);
    }
    default:
        close(place.directory);
        return -ENOSYS;
    }
}

static int64_t on_two(struct shared *shared)
{
    struct place from, to;
    uint64_t *arguments = shared->arguments;
    char *first = path_at(shared, 0, arguments[1]);
    char *second = path_at(shared, behind(0, arguments[1]), arguments[3]);
    if (first == NULL || second == NULL)
        return -ENAMETOOLONG;
    if (shared->operation == HOST_LINK && arguments[4] != 0)
        return link_followed((int)arguments[0], first, (int)arguments[2], second);
    int64_t result = place_open((int)arguments[0], first, &from);
    if (result < 0)
        return result;
    result = place_open((int)arguments[2], second, &to);
    if (result == 0) {
        int done = shared->operation == HOST_RENAME
                       ? renameat(from.directory, from.name, to.directory, to.name)
                       : linkat(from.directory, from.name, to.directory, to.name, 0);
        result = finish(&to, done);
    }
    close(from.directory);
    return result;
}

/* AT_SYMLINK_FOLLOW alone would follow a link to wherever it leads, not only beneath. */
static int64_t link_followed(int directory, const char *path, int to_directory, char *to_path)
{
    struct place to;
    char name[FD_NAME_SIZE];
    int fd = open_beneath(directory, path, O_PATH, 0);
    if (fd < 0)
        return fd;
    int64_t result = place_open(to_directory, to_path, &to);
    if (result == 0)
        result = finish(
            &to, linkat(AT_FDCWD, fd_name(fd, name), to.directory, to.name, AT_SYMLINK_FOLLOW));
    close(fd);
    return result;
}
