// SPDX-License-Identifier: Apache-2.0
#include "nodes.h"
#include "options.h"
#include "user_memory.h"
#include <asm/stat.h>
#include <linux/stat.h>

#define MISC_MAJOR 10
#define ENCLAVE_MINOR 125
#define PROVISION_MINOR 126
#define LEGACY_MINOR 124
#define NODE_MODE (0020000 | 0666) /* S_IFCHR */
#define LONGEST_PATH 24
#define EXECUTABLE 1 /* X_OK */

static const struct {
    const char *path;
    enum node node;
} names[] = {
    {"/dev/sgx_enclave", NODE_ENCLAVE},
    {"/dev/sgx/enclave", NODE_ENCLAVE},
    {"/dev/sgx_provision", NODE_PROVISION},
    {"/dev/sgx/provision", NODE_PROVISION},
    {"/dev/isgx", NODE_LEGACY},
};

enum node node_by_path(const char *path)
{
    for (unsigned i = 0; i < COUNT(names); i++)
        if (strcmp(path, names[i].path) == 0)
            return names[i].node;
    return NODE_NONE;
}

enum node node_by_last_component(const char *path)
{
    const char *last = last_component(path);
    for (unsigned i = 0; i < COUNT(names); i++)
        if (strcmp(last, last_component(names[i].path)) == 0)
            return names[i].node;
    return NODE_NONE;
}

/* The kernel's encoding of device numbers in struct stat (new_encode_dev). */
static uint64_t number_of(enum node node)
{
    static const uint8_t minors[] = {[NODE_ENCLAVE] = ENCLAVE_MINOR,
                                     [NODE_PROVISION] = PROVISION_MINOR,
                                     [NODE_LEGACY] = LEGACY_MINOR};
    return MISC_MAJOR << 8 | minors[node];
}

enum node node_by_number(uint64_t number)
{
    for (enum node node = NODE_ENCLAVE; node <= NODE_LEGACY; node++)
        if (number == number_of(node))
            return node;
    return NODE_NONE;
}

static enum node virtual_node(uint64_t path_user)
{
    char path[LONGEST_PATH];
    if (!virtual_nodes || read_user_string(path, path_user, sizeof path) < 0)
        return NODE_NONE;
    enum node node = node_by_path(path);
    return node == NODE_LEGACY ? NODE_NONE : node;
}

int node_stat(uint64_t path_user, uint64_t buffer_user, long *result)
{
    enum node node = virtual_node(path_user);
    if (node == NODE_NONE)
        return 0;
    struct stat status;
    memset(&status, 0, sizeof status);
    status.st_dev = 5;
    status.st_ino = 1000 + (uint64_t)node;
    status.st_nlink = 1;
    status.st_mode = NODE_MODE;
    status.st_rdev = number_of(node);
    status.st_blksize = PAGE_SIZE;
    *result = write_user(buffer_user, &status, sizeof status);
    return 1;
}

int node_statx(uint64_t path_user, uint64_t buffer_user, long *result)
{
    enum node node = virtual_node(path_user);
    if (node == NODE_NONE)
        return 0;
    struct statx status;
    memset(&status, 0, sizeof status);
    status.stx_mask = STATX_BASIC_STATS;
    status.stx_blksize = PAGE_SIZE;
    status.stx_nlink = 1;
    status.stx_mode = NODE_MODE;
    status.stx_ino = 1000 + (uint64_t)node;
    status.stx_dev_minor = 5;
    status.stx_rdev_major = MISC_MAJOR;
    status.stx_rdev_minor = node == NODE_ENCLAVE ? ENCLAVE_MINOR : PROVISION_MINOR;
    *result = write_user(buffer_user, &status, sizeof status);
    return 1;
}

int node_access(uint64_t path_user, int mode, long *result)
{
    if (virtual_node(path_user) == NODE_NONE)
        return 0;
    *result = (mode & EXECUTABLE) != 0 ? -EACCES : 0;
    return 1;
}

int node_readlink(uint64_t path_user, long *result)
{
    if (virtual_node(path_user) == NODE_NONE)
        return 0;
    *result = -EINVAL; /* not a link */
    return 1;
}
