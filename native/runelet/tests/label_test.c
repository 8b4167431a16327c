// SPDX-License-Identifier: Apache-2.0
/*
 * What is written through /proc goes where it belongs, or nowhere. No security module is needed:
 * the thread's name is a file beside its labels.
 */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int at_proc(operation *perform_it, int proc, const char *name, const char *value,
                   struct failure *f)
{
    uint8_t buffer[256];
    struct run run = empty_run();
    struct writer w;
    *f = (struct failure){0};
    run.slots[0] = proc;
    write_begin(&w, buffer, sizeof(buffer), 55, 0);
    write_u32(&w, 0);
    if (name != NULL) {
        write_string(&w, name);
        write_string(&w, value);
    } else
        write_bytes(&w, value, (uint32_t)strlen(value));
    return perform(perform_it, &run, &w, f);
}

static bool named(const char *name)
{
    char now[32] = "";
    int fd = open("/proc/thread-self/comm", O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, now, sizeof(now) - 1);
    close(fd);
    return n > 0 && strncmp(now, name, strlen(name)) == 0;
}

static void test_label(int proc)
{
    struct failure f;
    int before = count_descriptors();
    ok(at_proc(op_label, proc, "comm", "labelled", &f) == 0 && named("labelled"),
       "a file of the thread is written");
    ok(at_proc(op_label, proc, "none", "x", &f) < 0 && f.errno_value == ENOENT &&
           strcmp(f.doing, "open `/proc/thread-self/none`") == 0,
       "one that is not there is told");
    ok(at_proc(op_label, proc, "../../version", "x", &f) < 0 && f.errno_value == EXDEV,
       "a name does not climb");
    ok(at_proc(op_label, proc, "exe", "x", &f) < 0 && f.errno_value == ELOOP,
       "nor follow a magic link");
    int elsewhere = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
    ok(at_proc(op_label, elsewhere, "comm", "x", &f) < 0 && f.errno_value == EXDEV,
       "a directory that is no procfs is refused");
    close(elsewhere);
    ok(count_descriptors() == before, "no descriptor stays open");
}

/* CVE-2019-16884, CVE-2025-52881: something of the image is mounted over the file. */
static void test_covered(int earlier)
{
    struct failure f;
    char file[64];
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        ok(true, "# SKIP needs to mount");
        return;
    }
    snprintf(file, sizeof(file), "/proc/self/task/%ld/comm", syscall(SYS_gettid));
    if (mount("/proc/self/oom_score_adj", file, NULL, MS_BIND, NULL) < 0) {
        ok(false, "mount over %s: %s", file, strerror(errno));
        return;
    }
    ok(at_proc(op_label, earlier, "comm", "below", &f) == 0,
       "what was opened in another mount namespace does not meet it");
    int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    ok(at_proc(op_label, proc, "comm", "0", &f) < 0 && f.errno_value == EXDEV,
       "a file that is mounted over is not written");
    umount(file);
    ok(at_proc(op_label, proc, "comm", "again", &f) == 0 && named("again"), "only then");
    if (mount("/proc/self/oom_score_adj", "/proc/self/timens_offsets", NULL, MS_BIND, NULL) == 0) {
        ok(at_proc(op_time, proc, NULL, "boottime 5 0\n", &f) < 0 && f.errno_value == EXDEV,
           "nor are offsets: %s", f.doing);
        umount("/proc/self/timens_offsets");
    }
    close(proc);
}

/* In a process of its own, which stays in the namespace. */
static int in_time(int proc)
{
    struct failure f;
    struct timespec before, after;
    clock_gettime(CLOCK_BOOTTIME, &before);
    if (at_proc(op_time, proc, NULL, "boottime 100000 0\n", &f) < 0)
        return f.errno_value == EPERM || f.errno_value == ENOSYS ? 77 : 1;
    clock_gettime(CLOCK_BOOTTIME, &after);
    return after.tv_sec - before.tv_sec >= 100000 ? 0 : 2;
}

static void test_time(int proc)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(in_time(proc));
    int status = -1;
    waitpid(pid, &status, 0);
    ok(status == 0 || WEXITSTATUS(status) == 77, "a new time namespace has its offset: %d",
       WEXITSTATUS(status));
    struct failure f;
    ok(at_proc(op_time, -1, NULL, "", &f) < 0, "an empty slot is refused");
}

int main(void)
{
    int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    test_label(proc);
    test_time(proc);
    test_covered(proc);
    return tap_done();
}
