// SPDX-License-Identifier: Apache-2.0
/*
 * Leads a PAL through a container's life without a container, for tests:
 *
 *   pal-harness run [options] PAL ARGV...
 *     --args TEXT, --log-level LEVEL   for pal_init
 *     --uid N          becomes that user without capabilities, after loading
 *     --root DIR       chroots there, after loading
 *     --cwd DIR        working directory, in the root
 *     --agent PATH     serves the agent there
 *     --gate           waits for a line on descriptor 3 between pal_init and pal_exec
 *     --env KEY=VALUE  environment of the process and of the payload, repeatable
 *
 *   pal-harness exec PATH CWD KEYS ARGV...    KEYS: - or a comma list of detach, tty, env=KEY=VALUE
 *   pal-harness kill PATH PID SIGNAL
 *   pal-harness report PATH [DATA]            DATA: up to 64 characters, padded with zeros
 *   pal-harness greet PATH
 *
 * Events are lines on descriptor 2 that start with `harness: `.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <linux/capability.h>
#include <unistd.h>

#include "../agent_client.h"
#include "../agent_frame.h"
#include "../pal_host.h"
#include "../signals.h"

#define ENTRIES_MAX 64

struct run_options {
    const char *args, *log_level, *root, *cwd, *agent;
    long uid;
    bool gate;
    char *environment[ENTRIES_MAX + 1];
    int environment_count;
    char **argv;
    int listener;
};

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char line[2048];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(line, sizeof(line) - 1, format, args);
    va_end(args);
    if (size > (int)sizeof(line) - 2)
        size = sizeof(line) - 2;
    line[size] = '\n';
    if (write(2, line, (size_t)size + 1) < 0)
        return; /* nobody listens */
}

static _Noreturn void die(const struct failure *why)
{
    say("harness: failed code=%u errno=%d %s: %s", why->code, why->errno_value, why->doing,
        why->reason);
    _exit(1);
}

static _Noreturn void die_errno(const char *doing)
{
    say("harness: %s: %s", doing, strerror(errno));
    _exit(1);
}

static void warn(void *context, const char *text)
{
    (void)context;
    say("harness: warning %s", text);
}

static struct sockaddr_un address(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(at.sun_path)) {
        errno = ENAMETOOLONG;
        die_errno(path);
    }
    strcpy(at.sun_path, path);
    return at;
}

static int listen_at(const char *path)
{
    struct sockaddr_un at = address(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 64) < 0)
        die_errno(path);
    return fd;
}

static int connect_to(const char *path)
{
    struct sockaddr_un at = address(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
        die_errno(path);
    return fd;
}

/* The container's identity: no capability in any set. */
static void become(long uid)
{
    for (int capability = 0; prctl(PR_CAPBSET_DROP, capability) == 0; capability++)
        ;
    if (setgroups(0, NULL) < 0 || setresgid((gid_t)uid, (gid_t)uid, (gid_t)uid) < 0 ||
        setresuid((uid_t)uid, (uid_t)uid, (uid_t)uid) < 0)
        die_errno("change identity");
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {0};
    if (syscall(SYS_capset, &header, data) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        die_errno("drop capabilities");
}

static int live(struct pal *pal, void *context)
{
    struct run_options *options = context;
    struct failure why = {0};
    if (pal_start(pal, options->args, options->log_level, options->environment, &why) < 0)
        die(&why);
    say("harness: created");
    if (options->listener >= 0 && pal_serve(pal, options->listener, &why) < 0)
        die(&why);
    char byte;
    if (options->gate && read(3, &byte, 1) < 0)
        die_errno("wait at the gate");
    const struct pal_payload init = {
        .argv = options->argv, .environment = options->environment, .stdio = {0, 1, 2}};
    int status = 0;
    if (pal_run(pal, &init, &status, &why) < 0) {
        say("harness: failed code=%u errno=%d %s: %s", why.code, why.errno_value, why.doing,
            why.reason);
        return 1;
    }
    say("harness: exited %d", status);
    return status;
}

static const char *parse(int argc, char **argv, struct run_options *options)
{
    int at = 0;
    while (at + 1 < argc && strncmp(argv[at], "--", 2) == 0) {
        const char *key = argv[at++];
        if (strcmp(key, "--gate") == 0) {
            options->gate = true;
            continue;
        }
        char *value = argv[at++];
        if (strcmp(key, "--args") == 0)
            options->args = value;
        else if (strcmp(key, "--log-level") == 0)
            options->log_level = value;
        else if (strcmp(key, "--root") == 0)
            options->root = value;
        else if (strcmp(key, "--cwd") == 0)
            options->cwd = value;
        else if (strcmp(key, "--agent") == 0)
            options->agent = value;
        else if (strcmp(key, "--uid") == 0)
            options->uid = strtol(value, NULL, 10);
        else if (strcmp(key, "--env") == 0 && options->environment_count < ENTRIES_MAX)
            options->environment[options->environment_count++] = value;
        else
            return NULL;
    }
    options->argv = argv + at + 1;
    return at + 1 < argc ? argv[at] : NULL;
}

static int run(int argc, char **argv)
{
    struct run_options options = {.args = "", .log_level = "info", .uid = -1, .listener = -1};
    const char *library = parse(argc, argv, &options);
    if (library == NULL) {
        say("harness: usage: run [options] PAL ARGV...");
        return 2;
    }
    struct failure why = {0};
    struct pal *pal;
    int fd = open(library, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        die_errno(library);
    if (pal_load(fd, library, &pal, &why) < 0)
        die(&why);
    close(fd);
    pal_on_warning(pal, warn, NULL);
    say("harness: loaded");
    if (options.agent != NULL)
        options.listener = listen_at(options.agent);
    if (options.root != NULL && (chroot(options.root) < 0 || chdir("/") < 0))
        die_errno(options.root);
    if (options.cwd != NULL && chdir(options.cwd) < 0)
        die_errno(options.cwd);
    if (options.uid >= 0)
        become(options.uid);
    if (pal_harden(&why) < 0)
        die(&why);
    return pal_supervise(pal, live, &options);
}

static int greet(const char *path, struct agent_welcome *welcome)
{
    struct failure why = {0};
    int fd = connect_to(path);
    if (agent_greet(fd, welcome, &why) < 0)
        die(&why);
    return fd;
}

static uint16_t parse_keys(char *keys, char **environment)
{
    uint16_t flags = 0;
    int count = 0;
    char *rest = NULL;
    for (char *key = strtok_r(keys, ",", &rest); key != NULL; key = strtok_r(NULL, ",", &rest)) {
        if (strcmp(key, "detach") == 0)
            flags |= AGENT_EXEC_DETACHED;
        else if (strcmp(key, "tty") == 0)
            flags |= AGENT_EXEC_TTY;
        else if (strncmp(key, "env=", 4) == 0 && count < ENTRIES_MAX)
            environment[count++] = key + 4;
    }
    return flags;
}

/* A descriptor on which the signals arrive that would be forwarded. */
static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (int number = 1; number < SIGNAL_COUNT; number++)
        if (signal_is_forwarded(number))
            sigaddset(&set, number);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static int exec(char **argv)
{
    char *environment[ENTRIES_MAX + 1] = {0};
    struct failure why = {0};
    struct agent_welcome welcome;
    const int fds[3] = {0, 1, 2};
    int signals = open_signals();
    int fd = greet(argv[0], &welcome);
    uint16_t flags = parse_keys(argv[2], environment);
    struct agent_exec_request request = {argv[1], argv + 3, environment, fds, flags};
    uint32_t pid;
    struct exit_status status;
    if (agent_start(fd, &request, &pid, &why) < 0)
        die(&why);
    say("harness: started %u", pid);
    if ((flags & AGENT_EXEC_DETACHED) != 0)
        return 0;
    if (agent_attend(fd, pid, signals, &status, &why) < 0)
        die(&why);
    say("harness: exited %s %d", status.by == ENDED_BY_SIGNAL ? "signal" : "code", status.value);
    return exit_status_code(status);
}

static int kill_process(char **argv)
{
    struct failure why = {0};
    struct agent_welcome welcome;
    int fd = greet(argv[0], &welcome);
    if (agent_kill(fd, (uint32_t)strtoul(argv[1], NULL, 10), (uint32_t)strtoul(argv[2], NULL, 10),
                   &why) < 0)
        die(&why);
    return 0;
}

static int report(const char *path, const char *text)
{
    struct failure why = {0};
    struct agent_welcome welcome;
    uint8_t target[512], data[64] = {0}, bytes[432];
    memset(target, 0x11, sizeof(target));
    if (text != NULL)
        memcpy(data, text, strnlen(text, sizeof(data)));
    int fd = greet(path, &welcome);
    if (agent_report(fd, target, text == NULL ? NULL : data, bytes, &why) < 0)
        die(&why);
    return write(1, bytes, sizeof(bytes)) == sizeof(bytes) ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    if (strcmp(verb, "run") == 0)
        _exit(run(argc - 2, argv + 2));
    if (strcmp(verb, "exec") == 0 && argc > 5)
        return exec(argv + 2);
    if (strcmp(verb, "kill") == 0 && argc == 5)
        return kill_process(argv + 2);
    if (strcmp(verb, "report") == 0 && (argc == 3 || argc == 4))
        return report(argv[2], argv[3]);
    if (strcmp(verb, "greet") == 0 && argc == 3) {
        struct agent_welcome welcome;
        greet(argv[2], &welcome);
        printf("pal=%u abilities=%u state=%u\n", welcome.pal_version, welcome.abilities,
               welcome.state);
        return 0;
    }
    say("harness: usage: run|exec|kill|report|greet ...");
    return 2;
}
