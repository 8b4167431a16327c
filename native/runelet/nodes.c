// SPDX-License-Identifier: Apache-2.0
/* Device nodes and links of the container's /dev, and directories that it needs. */
#include "kernel.h"
#include "operations.h"
#include "resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int same_device(int parent, const char *base, mode_t mode, dev_t device)
{
    struct stat st;
    return fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           (st.st_mode & S_IFMT) == (mode & S_IFMT) && (S_ISFIFO(mode) || st.st_rdev == device);
}

int op_mknod(struct run *run, struct reader *payload, struct failure *f)
{
    const char *base, *path = read_string(payload, NULL);
    mode_t mode = read_u32(payload);
    uint32_t major_number = read_u32(payload), minor_number = read_u32(payload);
    dev_t device = makedev(major_number, minor_number);
    uid_t uid = read_u32(payload);
    gid_t gid = read_u32(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    int parent = parent_in_root(run, path, &base, f);
    if (parent < 0)
        return -1;
    int made = mknodat(parent, base, mode, device);
    int error = errno;
    if (made < 0 && error == EEXIST && same_device(parent, base, mode, device)) {
        close(parent);
        return 0;
    }
    /* mknod obeys the umask and the creator's ids; the configuration says otherwise. */
    if (made == 0 && (fchownat(parent, base, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ||
                      fchmodat(parent, base, mode & 07777, 0) < 0)) {
        made = -1;
        error = errno;
    }
    close(parent);
    return made < 0 ? fail_errno(f, error, "make device `%s`", path) : 0;
}

int op_symlink(struct run *run, struct reader *payload, struct failure *f)
{
    const char *base, *target = read_string(payload, NULL), *path = read_string(payload, NULL);
    if (payload_done(payload, f) < 0)
        return -1;
    int parent = parent_in_root(run, path, &base, f);
    if (parent < 0)
        return -1;
    int made = symlinkat(target, parent, base);
    int error = errno;
    close(parent);
    return made < 0 && error != EEXIST ? fail_errno(f, error, "link `%s`", path) : 0;
}

int op_bind_device(struct run *run, struct reader *payload, struct failure *f)
{
    uint32_t slot = read_u32(payload);
    const char *path = read_string(payload, NULL);
    if (payload_done(payload, f) < 0)
        return -1;
    int tree = slot_fd(run, slot, f);
    int target = tree < 0 ? -1 : target_in_root(run, path, true, true, f);
    if (target < 0)
        return -1;
    int moved =
        sys_move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH_ | MOVE_MOUNT_T_EMPTY_PATH_);
    int error = errno;
    close(target);
    close(tree);
    run->slots[slot] = -1;
    return moved < 0 ? fail_errno(f, error, "bind device `%s`", path) : 0;
}

int op_mkdir(struct run *run, struct reader *payload, struct failure *f)
{
    const char *path = read_string(payload, NULL);
    if (payload_done(payload, f) < 0)
        return -1;
    struct failure why = {0};
    int made = make_in_root(run, path, false, &why);
    if (made >= 0) {
        close(made);
        return 0;
    }
    /* Root may be kept out where the user is not, as on a root-squashing NFS: CWD decides. */
    if (why.errno_value == EACCES)
        return 0;
    *f = why;
    return -1;
}

static bool is_dev_null(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

/* runc's reOpenDevNull. Where the image has something else there, the host's stays. */
int op_dev_null(struct run *run, struct reader *payload, struct failure *f)
{
    int own = -1;
    (void)run;
    if (payload_done(payload, f) < 0)
        return -1;
    for (int fd = 0; fd < 3; fd++) {
        if (!is_dev_null(fd))
            continue;
        if (own < 0)
            own = open("/dev/null", O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (own < 0 || !is_dev_null(own))
            break;
        if (dup3(own, fd, 0) < 0) {
            int error = errno;
            close(own);
            return fail_errno(f, error, "open the container's `/dev/null` as %d", fd);
        }
    }
    if (own >= 0)
        close(own);
    return 0;
}
