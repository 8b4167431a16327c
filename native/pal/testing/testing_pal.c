// SPDX-License-Identifier: Apache-2.0
/* The exported functions of the testing PALs, for the version TESTING_VERSION. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

char pal_args[4096];

static int init_child_pid;
static const struct options from_args = {pal_args, NULL};

static void trace(const char *call, const char *detail)
{
    if (!has_option(&from_args, "trace"))
        return;
    char cwd[256] = "?";
    if (getcwd(cwd, sizeof(cwd)) == NULL)
        strcpy(cwd, "?");
    print_to(2, "pal %s %s pid=%d tid=%d uid=%d cwd=%s\n", call, detail, (int)getpid(),
             (int)gettid(), (int)getuid(), cwd);
}

static void crash(void)
{
    static volatile uintptr_t nowhere = 8;
    *(volatile int *)nowhere = 1;
}

static _Noreturn void hang(void)
{
    for (;;)
        sleep_ms(1000);
}

/* `NAME-errno=N`: -1 with errno; `NAME-return=N`: N; else 0. */
static int result_of(const struct options *options, const char *call)
{
    char key[64];
    snprintf(key, sizeof(key), "%s-errno", call);
    if (has_option(options, key)) {
        errno = option_number(options, key, 0);
        return -1;
    }
    snprintf(key, sizeof(key), "%s-return", call);
    return option_number(options, key, 0);
}

static int init(const pal_attr_v1_t *attr)
{
    snprintf(pal_args, sizeof(pal_args), "%s", attr->args);
    trace("init", attr->log_level);
    if (has_option(&from_args, "init-hang"))
        hang();
    if (has_option(&from_args, "init-crash"))
        crash();
    if (has_option(&from_args, "init-abort"))
        abort();
    if (has_option(&from_args, "init-exit"))
        exit(option_number(&from_args, "init-exit", 0));
    if (has_option(&from_args, "init-child") && (init_child_pid = fork()) == 0)
        _exit(option_number(&from_args, "init-child", 0));
    for (int fd = 3; fd <= option_number(&from_args, "init-close", 0); fd++)
        close(fd);
    if (has_option(&from_args, "init-fork") && fork() < 0)
        return -errno;
    return result_of(&from_args, "init");
}

static void misbehave_in_exec(const struct options *options)
{
    if (has_option(options, "exec-crash"))
        crash();
    for (int fd = 3; fd <= option_number(options, "exec-close", 0); fd++)
        close(fd);
}

int pal_destroy(void)
{
    trace("destroy", "");
    if (init_child_pid > 0) {
        int status = -1;
        pid_t got = waitpid(init_child_pid, &status, 0);
        print_to(2, "pal init-child %s %d\n", got == init_child_pid ? "reaped" : "lost",
                 got == init_child_pid ? WEXITSTATUS(status) : errno);
    }
    if (has_option(&from_args, "destroy-hang"))
        hang();
    return result_of(&from_args, "destroy");
}

#if TESTING_VERSION == 1

int pal_init(pal_attr_v1_t *attr)
{
    return init(attr);
}

int pal_exec(char *path, char *argv[], pal_stdio_fds *stdio, int *exit_code)
{
    const struct options options = {pal_args, argv};
    trace("exec", path);
    misbehave_in_exec(&options);
    int result = result_of(&options, "exec");
    if (result < 0)
        return result;
    int code = payload_main(&options, NULL, stdio->stdin, stdio->stdout);
    *exit_code = option_number(&options, "exec-value", code);
    return result;
}

#else

/* Asked before pal_init: the args are not known yet, the environment is. */
int pal_get_version(void)
{
    const char *version = getenv("TESTING_PAL_VERSION");
    return version == NULL ? TESTING_VERSION : (int)strtol(version, NULL, 0);
}

#if TESTING_VERSION == 2
int pal_init(pal_attr_v1_t *attr)
{
    return init(attr);
}
#else
int pal_init(pal_attr_v3_t *attr)
{
    if (attr->fd != -1 || attr->addr != 0)
        return -EINVAL;
    return init(&attr->attr_v1);
}
#endif

int pal_create_process(pal_create_process_args *args)
{
    const struct options options = {pal_args, (char *const *)(uintptr_t)args->argv};
    trace("create_process", args->path);
    int result = result_of(&options, "create");
    if (result < 0)
        return result;
    if (has_option(&options, "create-pid")) {
        *args->pid = option_number(&options, "create-pid", 0);
        return result;
    }
    int created = payload_create(args);
    return created < 0 ? created : result;
}

int pal_exec(pal_exec_args *args)
{
    trace("exec", "");
    misbehave_in_exec(&from_args);
    int result = result_of(&from_args, "exec");
    int ran = result < 0 ? result : payload_run(args->pid, args->exit_value);
    return ran < 0 ? ran : result;
}

int pal_kill(int pid, int sig)
{
    char detail[64];
    snprintf(detail, sizeof(detail), "%d %d", pid, sig);
    trace("kill", detail);
    if (has_option(&from_args, "kill-hang"))
        hang();
    if (has_option(&from_args, "kill-return"))
        return option_number(&from_args, "kill-return", 0);
    return payload_kill(pid, sig);
}

#if TESTING_VERSION == 3

/* Not a REPORT that verifies anywhere: bytes that tests recognise, report data where it belongs. */
static int report(const void *target, int target_len, const void *data, void *out, int *length)
{
    enum { REPORT_DATA = 320 }; /* SDM volume 3D, table 38-21 */
    if (target_len != PAL_TARGETINFO_SIZE || *length < PAL_REPORT_SIZE)
        return -EINVAL;
    int overrun = option_number(&from_args, "report-overrun", 0);
    memset(out, 0x5a, (size_t)(PAL_REPORT_SIZE + overrun));
    memcpy(out, target, 32);
    if (data != NULL && !has_option(&from_args, "report-other-data"))
        memcpy((char *)out + REPORT_DATA, data, PAL_REPORT_DATA_SIZE);
    *length = option_number(&from_args, "report-length", PAL_REPORT_SIZE);
    return result_of(&from_args, "report");
}

int pal_get_local_report(void *targetinfo, int targetinfo_len, void *out, int *report_len)
{
    trace("get_local_report", "");
    return report(targetinfo, targetinfo_len, NULL, out, report_len);
}

int pal_get_report_with_data(void *targetinfo, int targetinfo_len, void *report_data,
                             int report_data_len, void *out, int *report_len)
{
    trace("get_report_with_data", "");
    if (report_data_len != PAL_REPORT_DATA_SIZE)
        return -EINVAL;
    return report(targetinfo, targetinfo_len, report_data, out, report_len);
}

#endif
#endif

#ifdef TESTING_OCCLUM
/* Its presence says that exit values are wait(2) statuses; nobody calls it. */
PAL_API int occlum_pal_exec(void);
int occlum_pal_exec(void)
{
    return -ENOSYS;
}
#endif

#ifdef TESTING_CONSTRUCTOR_THREAD
#include <pthread.h>

static void *sleeper(void *unused)
{
    (void)unused;
    hang();
}

__attribute__((constructor)) static void start_thread(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, sleeper, NULL);
}
#endif

#ifdef TESTING_CONSTRUCTOR_CHILD
__attribute__((constructor)) static void leave_child(void)
{
    if (fork() == 0)
        _exit(0);
}
#endif
