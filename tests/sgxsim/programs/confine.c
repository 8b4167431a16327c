// SPDX-License-Identifier: Apache-2.0
/*
 * Starts a command as rune does in a container: the simulator and this program (as init) on sealed
 * memfds, then from under the simulator into a root without /proc.
 *
 *   confine enter SGXSIM ROOT UID COMMAND...    puts both on memfds and executes the simulator
 *   confine inside ROOT UID COMMAND...          what the container's init does to itself
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(99);
    }
}

static int seal_copy(const char *path, int flags)
{
    char buffer[65536];
    ssize_t size;
    int from = open(path, O_RDONLY | O_CLOEXEC);
    int to = memfd_create("sealed", MFD_ALLOW_SEALING | flags);
    must(from >= 0 && to >= 0, path);
    while ((size = read(from, buffer, sizeof buffer)) > 0)
        must(write(to, buffer, (size_t)size) == size, "write");
    close(from);
    must(fcntl(to, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0,
         "seal");
    return to;
}

static int enter(char **argv)
{
    int simulator = seal_copy(argv[2], MFD_CLOEXEC);
    int program = seal_copy("/proc/self/exe", 0);
    char path[64], number[16];
    snprintf(path, sizeof path, "/proc/self/fd/%d", simulator);
    snprintf(number, sizeof number, "%d", program);
    char *words[64] = {"sgxsim", "--virtual-nodes", "off", "--fd", number, "--", "init", "inside"};
    int count = 8;
    for (int i = 3; argv[i] != NULL && count < 63; i++)
        words[count++] = argv[i];
    char *const environment[] = {"PATH=/bin", NULL};
    execve(path, words, environment);
    must(0, path);
    return 99;
}

/* Docker's default profile answers clone3 so, because it cannot look into its arguments. */
static void filter_like_docker(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
    must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0, "seccomp");
}

static void drop_everything(int uid)
{
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    must(setresgid((gid_t)uid, (gid_t)uid, (gid_t)uid) == 0, "setresgid");
    must(setresuid((uid_t)uid, (uid_t)uid, (uid_t)uid) == 0, "setresuid");
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0}};
    must(syscall(SYS_capset, &header, none) == 0, "capset");
}

static int inside(char **argv)
{
    must(unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC) == 0, "unshare");
    pid_t child = fork();
    if (child != 0) {
        int status = 0;
        waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount /");
    must(mount(argv[2], argv[2], NULL, MS_BIND, NULL) == 0, "bind");
    must(chdir(argv[2]) == 0 && syscall(SYS_pivot_root, ".", ".") == 0, "pivot_root");
    must(umount2(".", MNT_DETACH) == 0 && chdir("/") == 0, "umount");
    must(close_range(3, ~0U, 0) == 0, "close_range");
    drop_everything(atoi(argv[3]));
    filter_like_docker();
    execvp(argv[4], argv + 4);
    must(0, argv[4]);
    return 99;
}

int main(int argc, char **argv)
{
    if (argc >= 5 && strcmp(argv[1], "enter") == 0)
        return enter(argv);
    if (argc >= 5 && strcmp(argv[1], "inside") == 0)
        return inside(argv);
    return 2;
}
