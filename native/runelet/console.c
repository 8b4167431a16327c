// SPDX-License-Identifier: Apache-2.0
/* The container's terminal. */
#include "kernel.h"
#include "operations.h"
#include "resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441 /* asm-generic/ioctls.h */
#endif

/* The master of a new pty. Whatever the image has at /dev/ptmx, it must be that device (5:2). */
static int open_master(struct run *run, struct failure *f)
{
    struct stat st;
    int unlocked = 0;
    if (run->root < 0) /* a further process: setns has changed the root */
        run->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int master = open_in_root(run, "/dev/ptmx", O_RDWR | O_NOCTTY);
    if (master < 0)
        return fail_errno(f, errno, "open `/dev/ptmx` of the container");
    if (fstat(master, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2)) {
        close(master);
        return fail_errno(f, ENODEV, "open `/dev/ptmx` of the container");
    }
    if (ioctl(master, TIOCSPTLCK, &unlocked) < 0) {
        close(master);
        return fail_errno(f, errno, "unlock the terminal");
    }
    return master;
}

static int send_descriptor(int socket, int fd, const char *name, struct failure *f)
{
    char control[CMSG_SPACE(sizeof(int))];
    memset(control, 0, sizeof(control));
    struct iovec data = {(void *)(uintptr_t)name, strlen(name)};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof(int));
    return sendmsg(socket, &message, MSG_NOSIGNAL) < 0
               ? fail_errno(f, errno, "send the terminal over the console socket")
               : 0;
}

static int bind_console(const struct run *run, int slave, struct failure *f)
{
    int tree = sys_open_tree(slave, "", OPEN_TREE_CLONE_ | OPEN_TREE_CLOEXEC_ | AT_EMPTY_PATH);
    if (tree < 0)
        return fail_errno(f, errno, "copy the terminal's mount");
    int target = target_in_root(run, "/dev/console", true, false, f);
    int moved = target < 0 ? -1
                           : sys_move_mount(tree, "", target, "",
                                            MOVE_MOUNT_F_EMPTY_PATH_ | MOVE_MOUNT_T_EMPTY_PATH_);
    int error = errno;
    close(tree);
    if (target < 0)
        return -1;
    close(target);
    return moved < 0 ? fail_errno(f, error, "mount on `/dev/console`") : 0;
}

static int take_terminal(int slave, struct failure *f)
{
    if (ioctl(slave, TIOCSCTTY, 0) < 0)
        return fail_errno(f, errno, "make the terminal the controlling one");
    for (int fd = 0; fd < 3; fd++) {
        if (dup2(slave, fd) < 0)
            return fail_errno(f, errno, "connect the terminal");
    }
    return 0;
}

int op_console(struct run *run, struct reader *payload, struct failure *f)
{
    uint32_t slot = read_u32(payload), rows = read_u32(payload), columns = read_u32(payload);
    bool mount = read_u32(payload) != 0;
    if (payload_done(payload, f) < 0)
        return -1;
    int socket = slot_fd(run, slot, f);
    int master = socket < 0 ? -1 : open_master(run, f);
    if (master < 0)
        return -1;
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    if (rows != 0 && columns != 0 && ioctl(master, TIOCSWINSZ, &size) < 0)
        return fail_errno(f, errno, "set the terminal's size");
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return fail_errno(f, errno, "open the terminal");
    if (mount && bind_console(run, slave, f) < 0)
        return -1;
    if (send_descriptor(socket, master, "/dev/ptmx", f) < 0 || take_terminal(slave, f) < 0)
        return -1;
    close(master);
    close(slave);
    close(socket);
    run->slots[slot] = -1;
    return 0;
}
