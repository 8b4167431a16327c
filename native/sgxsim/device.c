// SPDX-License-Identifier: Apache-2.0
#include "device.h"
#include "build.h"
#include "edmm.h"
#include "epc.h"
#include "legacy.h"
#include "lock.h"
#include "log.h"
#include "nodes.h"
#include "user_memory.h"
#include <asm/sgx.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/memfd.h>

#define PATH_LIMIT 4096
#define S_IFMT_BITS 0170000
#define S_IFCHR_BITS 0020000

static long open_device(enum node node, int flags)
{
    int close_on_exec = (flags & O_CLOEXEC) != 0;
    unsigned memfd_flags = MFD_ALLOW_SEALING | (close_on_exec ? MFD_CLOEXEC : 0);
    long fd = node == NODE_PROVISION ? call(__NR_memfd_create, "sgx_provision", memfd_flags)
                                     : epc_file(close_on_exec);
    if (is_error(fd))
        return fd;
    static const enum enclave_kind kinds[] = {[NODE_ENCLAVE] = KIND_ENCLAVE,
                                              [NODE_PROVISION] = KIND_PROVISION,
                                              [NODE_LEGACY] = KIND_LEGACY};
    if (enclave_new((int)fd, kinds[node]) == NULL) {
        call(__NR_close, fd);
        return -ENOMEM;
    }
    return fd;
}

/* A name like a device's, on another path: the node's number decides. */
static enum node node_by_opening(int directory, const char *path)
{
    struct stat status;
    long fd = call(__NR_openat, directory, path, O_PATH | O_CLOEXEC, 0);
    if (is_error(fd))
        return NODE_NONE;
    long error = call(__NR_fstat, fd, &status);
    call(__NR_close, fd);
    if (error != 0 || (status.st_mode & S_IFMT_BITS) != S_IFCHR_BITS)
        return NODE_NONE;
    return node_by_number(status.st_rdev);
}

int device_open(int directory, uint64_t path_user, int flags, long *result)
{
    char path[PATH_LIMIT];
    if ((flags & O_PATH) != 0 || read_user_string(path, path_user, sizeof path) < 0 ||
        node_by_last_component(path) == NODE_NONE)
        return 0;
    enum node node = node_by_path(path);
    if (node == NODE_NONE)
        node = node_by_opening(directory, path);
    if (node == NODE_NONE)
        return 0;
    *result = open_device(node, flags);
    return 1;
}

int device_open2(int directory, uint64_t path_user, uint64_t how_user, long *result)
{
    uint64_t flags;
    return read_user(&flags, how_user, sizeof flags) == 0 &&
           device_open(directory, path_user, (int)flags, result);
}

/* Numbers and sizes as in arch/x86/include/uapi/asm/sgx.h of Linux 6.1; others are ENOTTY. */
static long enclave_ioctl(struct enclave *enclave, int fd, uint32_t request, uint64_t argument,
                          uint64_t blocked)
{
    switch (request) {
    case SGX_IOC_ENCLAVE_CREATE:
        return enclave_create(enclave, fd, argument);
    case SGX_IOC_ENCLAVE_ADD_PAGES:
        return enclave_add_pages(enclave, fd, argument, blocked);
    case SGX_IOC_ENCLAVE_INIT:
        return enclave_init(enclave, argument);
    case SGX_IOC_ENCLAVE_PROVISION:
        return enclave_provision(enclave, argument);
    case SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS:
        return enclave_restrict_permissions(enclave, argument);
    case SGX_IOC_ENCLAVE_MODIFY_TYPES:
        return enclave_modify_types(enclave, argument);
    case SGX_IOC_ENCLAVE_REMOVE_PAGES:
        return enclave_remove_pages(enclave, argument);
    default:
        return -ENOTTY;
    }
}

/* The driver lets one ioctl in at a time, of all threads and processes, and refuses others. */
int device_ioctl(int fd, uint32_t request, uint64_t argument, uint64_t blocked, long *result)
{
    struct enclave *enclave = enclave_by_fd(fd);
    if (enclave == NULL)
        return 0;
    uint32_t free = 0;
    if (enclave->file->kind == KIND_PROVISION) {
        *result = -ENOTTY;
    } else if (!__atomic_compare_exchange_n(&enclave->file->in_ioctl, &free, 1, 0, __ATOMIC_ACQUIRE,
                                            __ATOMIC_RELAXED)) {
        *result = -EBUSY;
    } else {
        lock_take(&locks.enclaves);
        *result = enclave->file->kind == KIND_LEGACY
                      ? legacy_ioctl(enclave, fd, request, argument)
                      : enclave_ioctl(enclave, fd, request, argument, blocked);
        lock_release(&locks.enclaves);
        __atomic_store_n(&enclave->file->in_ioctl, 0, __ATOMIC_RELEASE);
    }
    note("ioctl 0x%x: result %d", request, (int)*result);
    return 1;
}
