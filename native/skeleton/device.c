// SPDX-License-Identifier: Apache-2.0
#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"

int device_open(void)
{
    static const char *const names[] = {"/dev/sgx_enclave", "/dev/sgx/enclave"};
    struct stat status;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (stat(names[i], &status) < 0 || !S_ISCHR(status.st_mode))
            continue;
        int fd = open(names[i], O_RDWR | O_CLOEXEC);
        if (fd >= 0)
            return fd;
        int error = errno;
        output_log(LOG_ERROR, "open `%s`: %s", names[i], strerror(error));
        return -error;
    }
    if (stat("/dev/isgx", &status) == 0)
        output_log(LOG_ERROR, "only the legacy driver's /dev/isgx is here, which is not supported");
    else
        output_log(LOG_ERROR, "no SGX device: neither `%s` nor `%s` is here", names[0], names[1]);
    return -ENODEV;
}
