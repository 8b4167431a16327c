// SPDX-License-Identifier: Apache-2.0
/*
 * The emulator's own file, wherever the process has got to: /proc/self/exe where /proc is a procfs;
 * otherwise a memfd with the running image, every byte of whose file is in read-only memory
 * (sgxsim.lds). No path and no kept descriptor is needed, so neither pivot_root nor close_range can
 * take it away.
 */
#include "exec.h"
#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <asm/statfs.h>
#include <linux/magic.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U
#endif

extern const uint8_t image_start[], image_end[];

/* Somebody else's file could lie at that path in a root without a procfs. */
static long open_proc_exe(void)
{
    struct statfs status;
    long self = call(__NR_openat, AT_FDCWD, "/proc/self", O_PATH | O_CLOEXEC, 0);
    if (is_error(self))
        return self;
    long result = call(__NR_fstatfs, self, &status);
    if (!is_error(result) && status.f_type == PROC_SUPER_MAGIC)
        result = call(__NR_openat, self, "exe", O_PATH | O_CLOEXEC, 0);
    else
        result = -ENOENT;
    call(__NR_close, self);
    return result;
}

static long write_image(void)
{
    long fd = call(__NR_memfd_create, "sgxsim", MFD_CLOEXEC | MFD_EXEC);
    if (fd == -EINVAL) /* before Linux 6.3 */
        fd = call(__NR_memfd_create, "sgxsim", MFD_CLOEXEC);
    if (is_error(fd))
        return fd;
    const uint8_t *at = image_start;
    while (at < image_end) {
        long written = call(__NR_write, fd, at, image_end - at);
        if (written <= 0) {
            call(__NR_close, fd);
            return written < 0 ? written : -EIO;
        }
        at += written;
    }
    return fd;
}

long exec_self(const uint64_t *argv, uint64_t envp_user)
{
    long fd = open_proc_exe(), result = fd;
    if (!is_error(fd)) {
        result = call(__NR_execveat, fd, "", argv, envp_user, AT_EMPTY_PATH);
        call(__NR_close, fd);
    }
    if (result != -ENOENT && result != -EACCES && result != -EPERM)
        return result;
    fd = write_image();
    if (is_error(fd))
        return fd;
    result = call(__NR_execveat, fd, "", argv, envp_user, AT_EMPTY_PATH);
    call(__NR_close, fd);
    return result;
}
