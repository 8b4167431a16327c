// SPDX-License-Identifier: Apache-2.0
/* Hooks that behave, and those that do not. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char state[200 << 10]; /* more than a pipe holds */

/* Runs `sh -c script` as a hook. */
static int hook(const char *script, uint32_t timeout_s, uint32_t state_size, struct failure *f)
{
    static uint8_t buffer[sizeof(state) + 4096];
    const char *const argv[] = {"sh", "-c", script, NULL};
    const char *const environment[] = {"PATH=/usr/bin:/bin", "A=1", NULL};
    struct run run = empty_run();
    struct writer w;
    *f = (struct failure){0};
    write_begin(&w, buffer, sizeof(buffer), 48, 0);
    write_u32(&w, timeout_s);
    write_string(&w, "/bin/sh");
    write_list(&w, argv);
    write_list(&w, environment);
    write_bytes(&w, state, state_size);
    write_bytes(&w, "", 0);
    return perform(op_hook, &run, &w, f);
}

static void passes(const char *script, uint32_t state_size, const char *name)
{
    struct failure f;
    int before = count_descriptors();
    int result = hook(script, 20, state_size, &f);
    ok(result == 0 && count_descriptors() == before, "%s%s%s", name, result < 0 ? ": " : "",
       result < 0 ? f.reason : "");
}

static void fails(const char *script, uint32_t timeout_s, const char *reason, const char *name)
{
    struct failure f;
    int before = count_descriptors();
    int64_t start = clock_ms();
    int result = hook(script, timeout_s, 2, &f);
    ok(result < 0 && strcmp(f.reason, reason) == 0 && strcmp(f.doing, "run hook `/bin/sh`") == 0 &&
           count_descriptors() == before && clock_ms() - start < 5000,
       "%s: %.*s", name, (int)strcspn(f.reason, "\n"), f.reason);
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void test_input(void)
{
    memset(state, 'x', sizeof(state));
    memcpy(state, "{}", 2);
    passes("test \"$(cat)\" = '{}'", 2, "the state is on standard input, and ends");
    passes("test -z \"$(cat)\"", 0, "so is an empty one");
    passes("test $(wc -c) = 204800", sizeof(state), "and one larger than a pipe");
    passes("exit 0", sizeof(state), "a hook need not read it");
    passes("exec <&-; sleep 0.05", sizeof(state), "and may close its input");
    passes("test \"$A$HOME\" = 1", 2, "the environment is the configuration's alone");
}

static void test_output(void)
{
    passes("head -c 1000000 /dev/zero", 2, "output beyond what is kept does not block the hook");
    fails("echo one; echo two >&2; exit 3", 20, "exit status 3: one\ntwo",
          "what a failed hook wrote");
    fails("exit 1", 20, "exit status 1", "one that wrote nothing");
    fails("kill -9 $$", 20, "signal 9", "one that was killed");
    struct failure f;
    hook("head -c 100000 /dev/zero | tr '\\0' y; exit 4", 20, 2, &f);
    ok(strlen(f.reason) > 300 && strlen(f.reason) < sizeof(f.reason) &&
           strncmp(f.reason, "exit status 4: yyy", 18) == 0,
       "of much output the first part is kept");
}

static void test_ends(void)
{
    double before = cpu_seconds();
    passes("exec >&- 2>&-; sleep 0.5", 2, "a hook may close its output");
    ok(cpu_seconds() - before < 0.2, "and nobody spins meanwhile");
    int64_t start = clock_ms();
    passes("sleep 3 & exit 0", 2, "a daemon that holds the pipe is not waited for");
    ok(clock_ms() - start < 2000, "not even a while");
    start = clock_ms();
    passes("(i=0; while [ $i -lt 200000 ]; do echo x; i=$((i+1)); done) & exit 0", 2,
           "nor is one that writes");
    ok(clock_ms() - start < 2000, "not even a while");
    fails("sleep 30", 1, "no end within 1 s", "a hook that does not end is killed in time");
    fails("while :; do echo x; done", 1, "no end within 1 s", "also one that writes all the time");
}

static void test_signals(void)
{
    passes("trap - PIPE; yes | head -1 >/dev/null; kill -0 $$", 2, "pipes of a hook work");
    struct failure f;
    int result = hook("kill -PIPE $$; exit 0", 20, 2, &f);
    ok(result < 0 && strcmp(f.reason, "signal 13") == 0, "SIGPIPE is not ignored in a hook");
    struct sigaction action;
    sigaction(SIGPIPE, NULL, &action);
    ok(action.sa_handler == SIG_DFL, "nor afterwards in runelet");
}

/* In a process of its own: a filter stays. */
static void test_without_pidfd(void)
{
    struct sock_filter refuse[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(refuse) / sizeof(*refuse), refuse};
    pid_t pid = fork();
    if (pid == 0) {
        struct failure f;
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
            _exit(1);
        if (hook("cat >/dev/null; sleep 0.05", 0, sizeof(state), &f) < 0)
            _exit(2);
        if (hook("exit 3", 20, 2, &f) == 0 || strcmp(f.reason, "exit status 3") != 0)
            _exit(3);
        if (hook("sleep 30", 1, 2, &f) == 0 || strcmp(f.reason, "no end within 1 s") != 0)
            _exit(4);
        _exit(0);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    ok(status == 0, "a filter that refuses pidfd_open does not make a hook last for ever: %d",
       WEXITSTATUS(status));
}

static void test_missing(void)
{
    uint8_t buffer[256];
    const char *const argv[] = {"x", NULL}, *const none[] = {NULL};
    struct run run = empty_run();
    struct failure f = {0};
    struct writer w;
    write_begin(&w, buffer, sizeof(buffer), 48, 0);
    write_u32(&w, 0);
    write_string(&w, "/none");
    write_list(&w, argv);
    write_list(&w, none);
    write_bytes(&w, "{}", 2);
    write_bytes(&w, "", 0);
    ok(perform(op_hook, &run, &w, &f) < 0 &&
           strcmp(f.reason, "exit status 127: No such file or directory") == 0,
       "a hook that is not there: %s", f.reason);
}

static void test_descriptors(void)
{
    uint8_t buffer[4096];
    const char *const argv[] = {"sh", "-c", "test ! -e /proc/self/fd/3 -a ! -e /proc/self/fd/4",
                                NULL};
    const char *const none[] = {NULL};
    struct run run = empty_run();
    struct failure f = {0};
    struct writer w;
    dup2(0, 3);
    dup2(0, 4);
    write_begin(&w, buffer, sizeof(buffer), 43, 0);
    write_u32(&w, 2);
    ok(perform(op_keep_fds, &run, &w, &f) == 0, "two descriptors are preserved");
    write_begin(&w, buffer, sizeof(buffer), 48, 0);
    write_u32(&w, 20);
    write_string(&w, "/bin/sh");
    write_list(&w, argv);
    write_list(&w, none);
    write_bytes(&w, "{}", 2);
    write_bytes(&w, "", 0);
    ok(perform(op_hook, &run, &w, &f) == 0, "a hook has none of them: %s", f.reason);
    ok(fcntl(3, F_GETFD) == 0 && fcntl(4, F_GETFD) == 0, "the program still gets them");
    close(3);
    close(4);
}

/* A hook with a tail: who it is told of is the process that runs it. */
static void test_pid(void)
{
    uint8_t buffer[4096];
    const char *const argv[] = {"sh", "-c", "test \"$(cat)\" = \"{$PPID}\"", NULL};
    const char *const environment[] = {"PATH=/usr/bin:/bin", NULL};
    struct run run = empty_run();
    struct failure f = {0};
    struct writer w;
    write_begin(&w, buffer, sizeof(buffer), 48, 0);
    write_u32(&w, 20);
    write_string(&w, "/bin/sh");
    write_list(&w, argv);
    write_list(&w, environment);
    write_bytes(&w, "{", 1);
    write_bytes(&w, "}", 1);
    ok(perform(op_hook, &run, &w, &f) == 0, "the pid stands between state and tail: %s", f.reason);
}

/* A POSTSTOP hook that fails, with a report that leaves what it got in a file. */
static int poststop(const char *script, const char *file)
{
    uint8_t buffer[4096];
    char report[256];
    const char *const argv[] = {"sh", "-c", script, NULL};
    const char *const environment[] = {"PATH=/usr/bin:/bin", NULL};
    struct run run = empty_run();
    struct failure f = {0};
    struct writer w;
    snprintf(report, sizeof(report), "echo \"$1:$2:$3:$4\" > %s", file);
    const char *const telling[] = {"/bin/sh", "-c", report, "sh", NULL};
    write_begin(&w, buffer, sizeof(buffer), 77, 0);
    write_u32(&w, 20);
    write_string(&w, "/bin/sh");
    write_list(&w, argv);
    write_list(&w, environment);
    write_bytes(&w, "{}", 2);
    write_bytes(&w, "", 0);
    write_list(&w, telling);
    return perform(op_poststop, &run, &w, &f);
}

static void test_poststop(void)
{
    char directory[64], path[96], line[128] = "";
    make_scratch(directory, sizeof(directory));
    snprintf(path, sizeof(path), "%s/told", directory);
    ok(poststop("exit 0", path) == 0 && access(path, F_OK) < 0, "a poststop hook that succeeds");
    ok(poststop("echo no; exit 7", path) == 0, "one that fails does not end the plan");
    FILE *file = fopen(path, "r");
    ok(file != NULL && fgets(line, sizeof(line), file) != NULL &&
           strcmp(line, "6:0:run hook `/bin/sh`:exit status 7: no\n") == 0,
       "and is told of: %.*s", (int)strcspn(line, "\n"), line);
    if (file != NULL)
        fclose(file);
    remove_tree(directory);
}

/* The lists of a hook stay until its process ends: no leaks to look for. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

int main(void)
{
    test_input();
    test_output();
    test_ends();
    test_signals();
    test_without_pidfd();
    test_missing();
    test_descriptors();
    test_pid();
    test_poststop();
    return tap_done();
}
