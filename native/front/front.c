// SPDX-License-Identifier: Apache-2.0
/*
 * The front: what `rune`, `sgx-tools` and the other names are. It becomes the engine (the compiled
 * TypeScript) with an environment that holds nothing of the caller's, because the engine's runtime
 * obeys variables of its own (BUN_OPTIONS=--preload=..., BUN_BE_BUN) that a container's creator or
 * a hook could set. The caller's environment travels as data, in a memfd.
 *
 * The engine gets the few variables named below as they are, those of `tuning`, and one more:
 *
 *   INCLAVARE_FRONT=<version>:<environment fd>:<fd>,<fd>,...
 *
 * version 1; a memfd with the environment, entries separated by NUL; the descriptors from 3 on that
 * were open at start, which is what --preserve-fds and LISTEN_FDS may refer to. The engine sees its
 * tool's name as argv[0].
 *
 * Where a planner runs, `rune` asks it first (planner.c): an engine that has started already.
 */
#include "planner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern char **environ;

static void die(const char *doing)
{
    dprintf(2, "rune: %s: %s\n", doing, strerror(errno));
    _exit(1);
}

/* A closed 0, 1 or 2 would be taken by the next descriptor opened, and a log line written into it.
 */
static void fill_stdio(void)
{
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) != fd)
            die("open `/dev/null`");
    }
}

/* The open descriptors from 3 on. */
static size_t list_descriptors(int *numbers, size_t room)
{
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL)
        die("open `/proc/self/fd`");
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        int fd = atoi(entry->d_name);
        if (fd < 3 || fd == dirfd(dir))
            continue;
        if (count == room) {
            errno = E2BIG;
            die("list descriptors");
        }
        numbers[count++] = fd;
    }
    closedir(dir);
    return count;
}

/* Writes them as "a,b,c" into text. */
static void print_descriptors(const int *numbers, size_t count, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < count; i++) {
        int n = snprintf(text + used, size - used, "%s%d", used > 0 ? "," : "", numbers[i]);
        if (n < 0 || (size_t)n >= size - used) {
            errno = E2BIG;
            die("list descriptors");
        }
        used += (size_t)n;
    }
}

/* What rune itself obeys; reading these from the memfd would cost every start half a millisecond.
 */
static const char *const passed[] = {"XDG_RUNTIME_DIR", "USER",           "LISTEN_FDS",
                                     "LISTEN_PID",      "LISTEN_FDNAMES", "NOTIFY_SOCKET"};
#define PASSED (sizeof(passed) / sizeof(passed[0]))

/*
 * What makes the engine start sooner (docs/explanation/start-cost.md): its heap in huge pages where
 * the kernel gives them on request, and no JIT for `rune`, whose verbs end before one would pay,
 * nor for the shim, where it would cost memory. The shim's server stays: it has no use for the
 * first, and collects its garbage when it has time (src/shim/rest.ts), not every second.
 */
static char huge_pages[] = "MIMALLOC_ALLOW_THP=1", no_jit[] = "BUN_JSC_useJIT=0",
            no_timer[] = "BUN_GC_TIMER_DISABLE=1";
#define TUNING 2

static bool is_called(const char *name, const char *tool)
{
    const char *slash = strrchr(name, '/');
    return strcmp(slash != NULL ? slash + 1 : name, tool) == 0;
}

/* Fills `environment` with `front`, the tuning and the passed variables that are set. */
static void engine_environment(char **environment, char *front, const char *name, bool stays)
{
    *environment++ = front;
    *environment++ = stays ? no_timer : huge_pages;
    if (is_called(name, "rune") || is_called(name, "containerd-shim-rune-v2"))
        *environment++ = no_jit;
    for (size_t i = 0; i < PASSED; i++) {
        size_t length = strlen(passed[i]);
        for (char **entry = environ; *entry != NULL; entry++) {
            if (strncmp(*entry, passed[i], length) == 0 && (*entry)[length] == '=') {
                *environment++ = *entry;
                break;
            }
        }
    }
    *environment = NULL;
}

static int environment_memfd(void)
{
    int fd = memfd_create("environment", 0);
    if (fd < 0)
        die("memfd_create");
    for (char **entry = environ; *entry != NULL; entry++) {
        const char *at = *entry;
        for (size_t left = strlen(at) + 1; left > 0;) {
            ssize_t n = write(fd, at, left);
            if (n < 0)
                die("write environment");
            at += n;
            left -= (size_t)n;
        }
    }
    return fd;
}

/* "<prefix>/bin/<tool>" gives "<prefix>/lib/inclavare/engine". */
static void engine_path(char *path, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", path, size - 1);
    if (n < 0)
        die("readlink `/proc/self/exe`");
    path[n] = 0;
    for (int level = 0; level < 2; level++) {
        char *slash = strrchr(path, '/');
        if (slash != NULL)
            *slash = 0;
    }
    const char *rest = "/lib/inclavare/engine";
    size_t used = strlen(path);
    if (used + strlen(rest) >= size) {
        errno = ENAMETOOLONG;
        die("find the engine");
    }
    memcpy(path + used, rest, strlen(rest) + 1);
}

int main(int argc, char **argv)
{
    static char path[PATH_MAX + 32], descriptors[32768], front[sizeof(descriptors) + 64];
    static char name[] = "rune";
    static int numbers[16384];
    fill_stdio();
    size_t count = list_descriptors(numbers, sizeof(numbers) / sizeof(*numbers));
    engine_path(path, sizeof(path));
    if (argv[0] != NULL && is_called(argv[0], "rune"))
        planner_ask(&(struct caller){path, argv + 1, environ, numbers, count});
    print_descriptors(numbers, count, descriptors, sizeof(descriptors));
    snprintf(front, sizeof(front), "INCLAVARE_FRONT=1:%d:%s", environment_memfd(), descriptors);
    char *empty[] = {name, NULL};
    char *environment[PASSED + TUNING + 2];
    const char *called = argv[0] != NULL ? argv[0] : name;
    bool stays =
        is_called(called, "containerd-shim-rune-v2") && strcmp(argv[argc - 1], "serve") == 0;
    engine_environment(environment, front, called, stays);
    execve(path, argv[0] != NULL ? argv : empty, environment);
    dprintf(2, "rune: execute `%s`: %s\nhint: is lib/inclavare installed beside bin?\n", path,
            strerror(errno));
    return 1;
}
