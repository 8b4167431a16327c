// SPDX-License-Identifier: Apache-2.0
#include "self_path.h"
#include "user_memory.h"
#include <linux/fcntl.h>

static char program_path[PATH_LIMIT];

static char *write_decimal(char *at, unsigned value)
{
    if (value >= 10)
        at = write_decimal(at, value / 10);
    *at++ = (char)('0' + value % 10);
    return at;
}

void self_path_start(int fd, const char *given)
{
    char link[32] = "/proc/self/fd/";
    *write_decimal(link + strlen(link), (unsigned)fd) = 0;
    long length = call(__NR_readlinkat, AT_FDCWD, link, program_path, sizeof program_path - 1);
    if (length > 0) {
        program_path[length] = 0;
        return;
    }
    size_t size = strlen(given);
    if (size >= sizeof program_path)
        size = 0;
    memcpy(program_path, given, size);
    program_path[size] = 0;
}

const char *self_target(const char *path)
{
    char own[32] = "/proc/";
    char *end = write_decimal(own + strlen(own), (unsigned)call(__NR_getpid));
    memcpy(end, "/exe", 5);
    int is_self = strcmp(path, "/proc/self/exe") == 0 ||
                  strcmp(path, "/proc/thread-self/exe") == 0 || strcmp(path, own) == 0;
    return is_self && program_path[0] != 0 ? program_path : NULL;
}

static const char *target_of_user(uint64_t path_user)
{
    char path[32];
    if (read_user_string(path, path_user, sizeof path) < 0)
        return NULL;
    return self_target(path);
}

int self_readlink(uint64_t path_user, uint64_t buffer_user, uint64_t size, long *result)
{
    const char *target = target_of_user(path_user);
    if (target == NULL)
        return 0;
    size_t length = strlen(target);
    if ((int)size <= 0) {
        *result = -EINVAL;
        return 1;
    }
    if (length > size)
        length = size;
    *result = write_user(buffer_user, target, length) == 0 ? (long)length : -EFAULT;
    return 1;
}

int self_open(uint64_t path_user, int flags, long *result)
{
    const char *target = target_of_user(path_user);
    if (target == NULL || target[0] != '/')
        return 0;
    *result = call(__NR_openat, AT_FDCWD, target, flags & ~O_CREAT, 0);
    return 1;
}
