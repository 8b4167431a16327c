// SPDX-License-Identifier: Apache-2.0
#include "driver.h"
#include "base.h"
#include <linux/fcntl.h>

static int can_open(const char *path, int flags)
{
    long fd = call(__NR_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0);
    if (is_error(fd))
        return 0;
    call(__NR_close, fd);
    return 1;
}

/* A node without a driver answers open with ENXIO. A name in the list of misc devices counts too:
 * where the caller may not open the device, the processor still executes ENCLU. */
int driver_present(void)
{
    char list[4096];
    if (can_open("/dev/sgx_enclave", O_RDWR))
        return 1;
    long fd = call(__NR_openat, AT_FDCWD, "/proc/misc", O_RDONLY | O_CLOEXEC, 0);
    if (is_error(fd))
        return 0;
    long size = call(__NR_read, fd, list, sizeof list - 1);
    call(__NR_close, fd);
    if (size <= 0)
        return 0;
    list[size] = 0;
    for (const char *at = list; *at != 0; at++)
        if (starts_with(at, "sgx_enclave"))
            return 1;
    return 0;
}

int node_present(void)
{
    return can_open("/dev/sgx_enclave", O_PATH);
}
