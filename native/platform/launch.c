// SPDX-License-Identifier: Apache-2.0
/*
 * platform-launch UID GID PROGRAM ARGV0 [ARGUMENTS...]
 *
 * Starts the platform service on demand (docs/protocol/platform-service.md, "How it is started"),
 * with nothing of the caller's: descriptors, session, namespaces, cgroup, limits, signals,
 * environment. UID is - for the caller's own identity. Ends with 0 when the program has written R
 * to its descriptor 3; otherwise prints what it has written there, or to standard error, and ends
 * with 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_FD 3
#define PROGRAM_FD 4

/* The values of --runtime and --state. */
#define FOLDERS 2
static const char *folders[FOLDERS];

struct identity {
    bool changes;
    uid_t uid;
    gid_t gid;
};

static _Noreturn void die(const char *doing)
{
    dprintf(2, "%s: %s\n", doing, strerror(errno));
    _exit(1);
}

static long read_id(const char *text)
{
    char *end;
    errno = 0;
    long id = strtol(text, &end, 10);
    if (errno != 0 || *end != 0 || end == text || id < 1 || id >= UINT_MAX) {
        dprintf(2, "platform-launch: `%s` is not the number of a user or group\n", text);
        _exit(1);
    }
    return id;
}

/* Only to where the service's folders are the same: a caller's own /run, of which process 1 knows
 * nothing, is the caller's own machine. */
static void leave_mounts(int namespaces)
{
    struct stat before[FOLDERS], after[FOLDERS];
    int here = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    int there = openat(namespaces, "mnt", O_RDONLY | O_CLOEXEC);
    bool known = here >= 0 && there >= 0;
    for (size_t i = 0; i < FOLDERS && known; i++)
        known = folders[i] != NULL && stat(folders[i], &before[i]) == 0;
    if (known && setns(there, 0) == 0) {
        bool same = true;
        for (size_t i = 0; i < FOLDERS && same; i++)
            same = stat(folders[i], &after[i]) == 0 && before[i].st_dev == after[i].st_dev &&
                   before[i].st_ino == after[i].st_ino;
        if (!same && setns(here, 0) < 0)
            die("return to the caller's mounts");
    }
    if (here >= 0)
        close(here);
    if (there >= 0)
        close(there);
}

/* The caller may be in a container's namespaces, or a private /tmp of systemd's; the service is for
 * all of the machine. As far as there are privileges: without, it is the caller's own. */
static void leave_namespaces(void)
{
    static const char *const names[] = {"net", "uts", "ipc", "cgroup"};
    int own = open("/proc/1/ns", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; own >= 0 && i < sizeof(names) / sizeof(*names); i++) {
        int fd = openat(own, names[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        setns(fd, 0);
        close(fd);
    }
    if (own >= 0) {
        leave_mounts(own);
        close(own);
    }
}

/* Out of the caller's cgroup, with which it would be frozen, limited and killed. */
static void leave_cgroup(void)
{
    static const char *const roots[] = {
        "/sys/fs/cgroup/cgroup.procs",      "/sys/fs/cgroup/unified/cgroup.procs",
        "/sys/fs/cgroup/pids/cgroup.procs", "/sys/fs/cgroup/memory/cgroup.procs",
        "/sys/fs/cgroup/cpu/cgroup.procs",  "/sys/fs/cgroup/freezer/cgroup.procs"};
    for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
        int fd = open(roots[i], O_WRONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        ssize_t written = write(fd, "0", 1);
        (void)written; /* refused without privileges, and then nothing can be done */
        close(fd);
    }
}

/* Those of process 1, as far as they may be asked for and set: a service with a caller's limit of
 * processor time would be killed by it, and one with a shim's OOM score spared for it. */
static void leave_limits(void)
{
    for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
        struct rlimit wanted, own;
        if (prlimit(1, resource, NULL, &wanted) < 0 || setrlimit(resource, &wanted) == 0 ||
            getrlimit(resource, &own) < 0)
            continue;
        own.rlim_cur = wanted.rlim_cur < own.rlim_max ? wanted.rlim_cur : own.rlim_max;
        setrlimit(resource, &own);
    }
    /* A core file would hold the secret. */
    if (setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) < 0)
        die("forbid core files");
    setpriority(PRIO_PROCESS, 0, 0);
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t written = write(fd, "0", 1);
    (void)written; /* refused without privileges where it is less */
    close(fd);
}

static void reset_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int signal = 1; signal < NSIG; signal++) {
        if (signal != SIGKILL && signal != SIGSTOP)
            sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    }
}

static void become(const struct identity *identity)
{
    if (identity->changes &&
        (setgroups(0, NULL) < 0 || setresgid(identity->gid, identity->gid, identity->gid) < 0 ||
         setresuid(identity->uid, identity->uid, identity->uid) < 0))
        die("give up root");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        die("set no_new_privs");
}

/* Leaves 0 to 4: /dev/null, /dev/null, the pipe, the pipe, the program. */
static void arrange_descriptors(int ready, int program)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        die("open `/dev/null`");
    /* Out of the way of the numbers that are wanted. */
    ready = fcntl(ready, F_DUPFD_CLOEXEC, 16);
    program = fcntl(program, F_DUPFD_CLOEXEC, 16);
    null = fcntl(null, F_DUPFD_CLOEXEC, 16);
    if (ready < 0 || program < 0 || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
        dup2(ready, 2) < 0 || dup2(ready, READY_FD) < 0 || dup3(program, PROGRAM_FD, O_CLOEXEC) < 0)
        die("arrange descriptors");
    if (syscall(SYS_close_range, PROGRAM_FD + 1, ~0u, 0) < 0)
        die("close descriptors");
}

static _Noreturn void serve(int ready, int program, char **argv, const struct identity *identity)
{
    static char front[] = "INCLAVARE_FRONT=1:0:", huge_pages[] = "MIMALLOC_ALLOW_THP=1";
    char *environment[] = {front, huge_pages, NULL};
    dup2(ready, 2);
    if (setsid() < 0)
        die("start a session");
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid > 0)
        _exit(0);
    leave_cgroup();
    leave_limits();
    leave_namespaces();
    if (chdir("/") < 0)
        die("go to `/`");
    umask(077);
    reset_signals();
    arrange_descriptors(ready, program);
    become(identity);
    /* By descriptor: the service's own user may have no way to the path. */
    syscall(SYS_execveat, PROGRAM_FD, "", argv, environment, AT_EMPTY_PATH);
    die("execute the engine");
}

/* 0 when R comes first; what else comes is the reason. */
static int await(int ready)
{
    char text[4096];
    size_t size = 0;
    for (;;) {
        ssize_t n = read(ready, text + size, sizeof(text) - size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || size + (size_t)n == sizeof(text)) {
            size += n > 0 ? (size_t)n : 0;
            break;
        }
        size += (size_t)n;
        /* Nothing follows it: from then on standard error is another. A reason may begin with R. */
        if (size == 1 && text[0] == 'R')
            return 0;
    }
    dprintf(2, "%.*s", (int)size, text);
    return 1;
}

int main(int argc, char **argv)
{
    struct identity identity = {0};
    int ready[2], status;
    if (argc < 5) {
        dprintf(2, "usage: platform-launch UID|- GID|- PROGRAM ARGV0 [ARGUMENTS...]\n");
        return 1;
    }
    if (strcmp(argv[1], "-") != 0) {
        identity = (struct identity){true, (uid_t)read_id(argv[1]), (gid_t)read_id(argv[2])};
    }
    for (int i = 5; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--runtime") == 0)
            folders[0] = argv[i + 1];
        else if (strcmp(argv[i], "--state") == 0)
            folders[1] = argv[i + 1];
    }
    int program = open(argv[3], O_RDONLY | O_CLOEXEC);
    if (program < 0 || pipe2(ready, O_CLOEXEC) < 0)
        die(argv[3]);
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0) {
        close(ready[0]);
        serve(ready[1], program, argv + 4, &identity);
    }
    close(ready[1]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return await(ready[0]);
}
