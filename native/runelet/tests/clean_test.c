// SPDX-License-Identifier: Apache-2.0
/* Cleaning up goes on after failures. Cgroups themselves are tested with the runtime. */
#include "../clean.c"
#include "support.h"

#include <limits.h>
#include <sys/resource.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char scratch[64];

static const char *at(const char *name)
{
    static char path[8][PATH_MAX];
    static unsigned next;
    char *one = path[next++ % 8];
    snprintf(one, PATH_MAX, "%s/%s", scratch, name);
    return one;
}

static void touch(const char *path)
{
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

/* Performs an operation with standard error into `said`. */
static int quietly(operation *op, const char *path, int kill_flag, char *said, size_t size)
{
    uint8_t buffer[PATH_MAX + 64];
    struct run run = empty_run();
    struct failure f = {0};
    struct writer w;
    int ends[2], before = dup(2);
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        abort();
    write_begin(&w, buffer, sizeof(buffer), 1, 0);
    write_string(&w, path);
    if (kill_flag >= 0)
        write_u32(&w, (uint32_t)kill_flag);
    dup2(ends[1], 2);
    int result = perform(op, &run, &w, &f);
    dup2(before, 2);
    ssize_t n = read(ends[0], said, size - 1);
    said[n > 0 ? n : 0] = 0;
    close(before);
    close(ends[0]);
    close(ends[1]);
    return result;
}

static void test_files(void)
{
    char said[512];
    touch(at("file"));
    ok(quietly(op_unlink, at("file"), -1, said, sizeof(said)) == 0 && said[0] == 0 &&
           access(at("file"), F_OK) < 0,
       "UNLINK removes a file");
    ok(quietly(op_unlink, at("file"), -1, said, sizeof(said)) == 0 && said[0] == 0,
       "a missing one is fine");
    mkdir(at("dir"), 0700);
    ok(quietly(op_unlink, at("dir"), -1, said, sizeof(said)) == 0 &&
           strstr(said, "rune: remove `") == said && strstr(said, "irectory") != NULL,
       "what cannot be removed is told of, and no failure");
    touch(at("dir/file"));
    ok(quietly(op_rmdir, at("dir"), -1, said, sizeof(said)) == 0 &&
           strstr(said, "not empty") != NULL,
       "RMDIR of a directory that is not empty is told of");
    unlink(at("dir/file"));
    ok(quietly(op_rmdir, at("dir"), -1, said, sizeof(said)) == 0 && said[0] == 0 &&
           access(at("dir"), F_OK) < 0,
       "RMDIR removes an empty one");
    ok(quietly(op_rmdir, at("dir"), -1, said, sizeof(said)) == 0 && said[0] == 0,
       "a missing one is fine");
    ok(quietly(op_cgroup_remove, at("dir"), 1, said, sizeof(said)) == 0 && said[0] == 0,
       "a missing cgroup is fine");
    touch(at("file"));
    ok(quietly(op_cgroup_remove, at("file"), 1, said, sizeof(said)) == 0 && said[0] != 0,
       "what is no cgroup is told of at once");
    unlink(at("file"));
}

/* A chain of directories, as deep as asked, with a second child on each level. */
static void make_deep(const char *path, int depth)
{
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < depth && dir >= 0; i++) {
        mkdirat(dir, "side", 0755);
        mkdirat(dir, "down", 0755);
        int next = openat(dir, "down", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(dir);
        dir = next;
    }
    close(dir);
}

static void test_below(void)
{
    struct rlimit before, few;
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    few.rlim_cur = 16;
    mkdir(at("tree"), 0755);
    make_deep(at("tree"), 3000);
    setrlimit(RLIMIT_NOFILE, &few);
    int open_before = count_descriptors();
    remove_below(at("tree"), false);
    setrlimit(RLIMIT_NOFILE, &before);
    ok(rmdir(at("tree")) == 0, "3000 levels go, with 16 descriptors");
    ok(count_descriptors() == open_before, "none of which stays open");

    mkdir(at("tree"), 0755);
    make_deep(at("tree"), 3);
    touch(at("tree/down/busy"));
    int64_t start = clock_ms();
    remove_below(at("tree"), false);
    ok(access(at("tree/down/busy"), F_OK) == 0 && access(at("tree/down/down"), F_OK) < 0 &&
           access(at("tree/side"), F_OK) < 0 && clock_ms() - start < 1000,
       "what is empty goes, what is not ends the attempt");
    remove_tree(at("tree"));

    mkdir(at("tree"), 0755);
    mkdir(at("outside"), 0755);
    mkdir(at("outside/kept"), 0755);
    if (symlink(at("outside"), at("tree/link")) < 0)
        abort();
    remove_below(at("tree"), true);
    ok(access(at("outside/kept"), F_OK) == 0, "links are not followed");
    remove_below(at("none"), true);
    ok(true, "what is missing is nothing to do");
}

/* A run whose next records are UNLINK and REPORT, and the directory in slot 0. */
static struct run before_report(uint8_t *records, size_t size, int directory)
{
    struct run run = empty_run();
    struct writer w;
    write_begin(&w, records, size, 67, 0);
    write_string(&w, "/nowhere");
    size_t first = write_end(&w);
    write_begin(&w, records + first, size - first, CODE_REPORT, 0);
    write_u32(&w, 0);
    run.next = (struct reader){records, records + first + write_end(&w), false};
    run.slots[0] = directory;
    return run;
}

static int claim(struct run *run, uint32_t hold)
{
    uint8_t buffer[64];
    struct failure f = {0};
    struct writer w;
    write_begin(&w, buffer, sizeof(buffer), 13, 0);
    write_u32(&w, 0);
    write_u32(&w, hold);
    return perform(op_claim, run, &w, &f);
}

static uint16_t next_code(struct run *run)
{
    struct record record;
    return record_next(&run->next, &record) ? record.code : 0;
}

static bool is_locked(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool locked = flock(fd, LOCK_EX | LOCK_NB) < 0;
    close(fd);
    return locked;
}

static void test_claim(void)
{
    uint8_t records[128];
    mkdir(at("container"), 0700);
    int fd = open(at("container"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct run run = before_report(records, sizeof(records), fd);
    ok(claim(&run, 1) == 0 && is_locked(at("container")) && next_code(&run) == 67,
       "CLAIM takes the lock, and the plan cleans up");
    flock(fd, LOCK_UN);
    run = before_report(records, sizeof(records), fd);
    ok(claim(&run, 0) == 0 && !is_locked(at("container")) && next_code(&run) == 67,
       "without hold it is free again");
    rmdir(at("container"));
    mkdir(at("container"), 0700);
    run = before_report(records, sizeof(records), fd);
    ok(claim(&run, 1) == 0 && run.index == 1 && next_code(&run) == CODE_REPORT,
       "the plan of a directory that is gone goes on with its report, whatever has the name now");
    run.slots[0] = -1;
    ok(claim(&run, 1) < 0, "an empty slot is refused");
    close(fd);
    rmdir(at("container"));
}

static void test_kill(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        pause();
        _exit(0);
    }
    mkdir(at("group"), 0755);
    FILE *file = fopen(at("group/cgroup.procs"), "w");
    /* Nonsense, numbers that stand for groups of processes, init, this process itself, the child.
     */
    fprintf(file, "x\n0\n-1\n1\n\n%d\n%d\n", getpid(), pid);
    fclose(file);
    int dir = open(at("group"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    kill_listed(dir);
    close(dir);
    ok(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
       "what is listed is killed, and nothing that the numbers could be taken for");
    dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    kill_listed(dir);
    close(dir);
    ok(true, "a directory without a list is nothing to do");
}

int main(void)
{
    make_scratch(scratch, sizeof(scratch));
    test_files();
    test_below();
    test_claim();
    test_kill();
    remove_tree(scratch);
    return tap_done();
}
