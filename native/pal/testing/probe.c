// SPDX-License-Identifier: Apache-2.0
/*
 * A hostile payload: tries to get at init-runelet (process 1) from another process of the
 * container. Each line is `probe WHAT: denied (errno)` or `probe WHAT: SUCCEEDED`.
 */
#include "testing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(int out, const char *what, bool succeeded)
{
    if (succeeded)
        print_to(out, "probe %s: SUCCEEDED\n", what);
    else
        print_to(out, "probe %s: denied (%s)\n", what, strerrorname_np(errno));
}

static void try_open(int out, const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    tell(out, path, fd >= 0);
    if (fd >= 0)
        close(fd);
}

/* Opens everything a directory lists; that it cannot be listed is the expected answer. */
static void try_directory(int out, const char *path)
{
    DIR *directory = opendir(path);
    tell(out, path, directory != NULL);
    if (directory == NULL)
        return;
    for (const struct dirent *entry = readdir(directory); entry != NULL;
         entry = readdir(directory)) {
        char name[512];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        try_open(out, name, O_RDONLY | O_NONBLOCK);
    }
    closedir(directory);
}

static void try_ptrace(int out)
{
    bool attached = ptrace(PTRACE_ATTACH, 1, NULL, NULL) == 0;
    tell(out, "ptrace", attached);
    if (attached) {
        waitpid(1, NULL, 0);
        ptrace(PTRACE_DETACH, 1, NULL, NULL);
    }
}

static void try_memory(int out)
{
    char byte;
    struct iovec local = {&byte, 1}, remote = {&pal_args, 1};
    tell(out, "process_vm_readv", process_vm_readv(1, &local, 1, &remote, 1, 0) == 1);
    tell(out, "process_vm_writev", process_vm_writev(1, &local, 1, &remote, 1, 0) == 1);
}

static void try_descriptors(int out)
{
    int pidfd = (int)syscall(SYS_pidfd_open, 1, 0);
    if (pidfd < 0) {
        tell(out, "pidfd_open", false);
        return;
    }
    for (int number = 0; number < 32; number++) {
        char what[32];
        snprintf(what, sizeof(what), "pidfd_getfd %d", number);
        int fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
        if (fd >= 0 || errno != EPERM)
            tell(out, what, fd >= 0);
        if (fd >= 0)
            close(fd);
    }
    close(pidfd);
}

void probe(int out)
{
    print_to(out, "probe dumpable: %d\n", prctl(PR_GET_DUMPABLE));
    try_ptrace(out);
    try_memory(out);
    try_descriptors(out);
    try_open(out, "/proc/1/exe", O_RDONLY);
    try_open(out, "/proc/1/mem", O_RDWR);
    try_open(out, "/proc/1/maps", O_RDONLY);
    try_open(out, "/proc/1/environ", O_RDONLY);
    try_open(out, "/proc/1/root", O_RDONLY | O_DIRECTORY);
    try_open(out, "/proc/1/cwd", O_RDONLY | O_DIRECTORY);
    try_directory(out, "/proc/1/fd");
    try_directory(out, "/proc/1/map_files");
    try_directory(out, "/proc/1/task/1/fd");
    print_to(out, "probe done\n");
}
