// SPDX-License-Identifier: Apache-2.0
/* platform-launch from both ends: as its caller, and as the engine that it executes, which is this
 * program itself and looks at what it was given. */
#define main launch_main
int launch_main(int argc, char **argv);
#include "../launch.c"
#undef main

#include "../../pal/tests/tap.h"

/* platform-launch gives up with 1: what a sanitizer finds must look different. */
#define FOUND 99
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "exitcode=99:detect_leaks=0";
}
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
    return "exitcode=99";
}

#define SELF "/proc/self/exe"

static char said[16384];

/* Its exit status; what it has said on standard error is in `said`. */
static int launch(char *const *argv)
{
    int argc = 0, out[2], status;
    size_t size = 0;
    while (argv[argc] != NULL)
        argc++;
    if (pipe(out) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        sigset_t blocked;
        dup2(out[1], 2);
        close(out[0]);
        close(out[1]);
        /* What a careless caller leaves to its children. */
        sigfillset(&blocked);
        sigprocmask(SIG_BLOCK, &blocked, NULL);
        signal(SIGPIPE, SIG_IGN);
        umask(0);
        setpriority(PRIO_PROCESS, 0, 3);
        if (open("/", O_RDONLY) < 0 || setenv("SECRET", "of the caller", 1) < 0)
            _exit(98);
        _exit(launch_main(argc, (char **)argv));
    }
    close(out[1]);
    for (ssize_t n; size < sizeof(said) - 1; size += (size_t)n) {
        n = read(out[0], said + size, sizeof(said) - 1 - size);
        if (n <= 0)
            break;
    }
    said[size] = 0;
    close(out[0]);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define LAUNCH(...) launch((char *const[]){"platform-launch", __VA_ARGS__, NULL})

static bool signals_are_default(void)
{
    sigset_t blocked;
    struct sigaction action;
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    for (int signal = 1; signal < NSIG; signal++) {
        /* The sanitizers have handlers of their own for these. */
        if (signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE)
            continue;
        if (sigismember(&blocked, signal) == 1)
            return false;
        if (sigaction(signal, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
            return false;
    }
    return true;
}

/* What the service finds where it starts; NULL when all is as the protocol page says. */
static const char *inspect(const char *uid)
{
    struct rlimit core;
    struct stat null, own;
    char folder[16];
    if (fcntl(3, F_GETFD) < 0)
        return "no pipe";
    for (int fd = 4; fd < 1024; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            return "a descriptor too many";
    }
    if (stat("/dev/null", &null) < 0 || fstat(0, &own) < 0 || own.st_rdev != null.st_rdev ||
        fstat(1, &own) < 0 || own.st_rdev != null.st_rdev)
        return "stdio is not /dev/null";
    if (environ == NULL || environ[0] == NULL || environ[1] == NULL || environ[2] != NULL ||
        getenv("SECRET") != NULL)
        return "another environment";
    if (getcwd(folder, sizeof(folder)) == NULL || strcmp(folder, "/") != 0)
        return "another directory";
    if (umask(0) != 077)
        return "another umask";
    if (getsid(0) == getpid() || getsid(0) == getsid(getppid()))
        return "the caller's session, or one with a terminal to get";
    if (getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_cur != 0 || core.rlim_max != 0)
        return "core files";
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return "new privileges";
    if (!signals_are_default())
        return "a signal of the caller's";
    if (strcmp(uid, "-") != 0 && (getuid() != (uid_t)atoi(uid) || geteuid() != getuid() ||
                                  getgroups(0, NULL) != 0 || setuid(0) == 0))
        return "another user";
    return NULL;
}

static void say(const char *text)
{
    if (write(READY_FD, text, strlen(text)) < 0)
        _exit(97);
}

/* The engine's part: how it starts, and for whom. */
static int be_engine(const char *how, const char *uid)
{
    if (strcmp(how, "looks") == 0) {
        const char *fault = inspect(uid);
        say(fault == NULL ? "R" : fault);
        return fault != NULL;
    }
    if (strcmp(how, "fails") == 0) {
        dprintf(2, "the reason\n");
        return 1;
    }
    if (strcmp(how, "rages") == 0) {
        say("Reason that begins as readiness does\n");
        return 1;
    }
    if (strcmp(how, "talks") == 0) {
        for (int i = 0; i < 1000; i++)
            say("a long reason. ");
        return 1;
    }
    return 0; /* without a word */
}

static void refuses_what_is_no_number(void)
{
    static char *const texts[] = {"", "0", "-1", "12x", "4294967295", "99999999999999999999", "x"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        ok(LAUNCH(texts[i], "1", SELF, "engine", "looks", "-") == 1 &&
               strstr(said, "is not the number of a user or group") != NULL,
           "`%s` is no user", texts[i]);
        ok(LAUNCH("1", texts[i], SELF, "engine", "looks", "-") == 1 &&
               strstr(said, "is not the number") != NULL,
           "`%s` is no group", texts[i]);
    }
}

static void tells_what_becomes_of_it(void)
{
    ok(LAUNCH("-", "-", SELF) == 1 && strstr(said, "usage: ") == said, "too few arguments");
    ok(LAUNCH("-", "-", "/nowhere", "engine") == 1 && strstr(said, "/nowhere: ") == said,
       "no program");
    ok(LAUNCH("-", "-", "/dev/null", "engine") == 1 && strstr(said, "execute the engine: ") != NULL,
       "a program that cannot be executed");
    ok(LAUNCH("-", "-", SELF, "engine", "fails", "-") == 1 && strcmp(said, "the reason\n") == 0,
       "the engine's reason");
    ok(LAUNCH("-", "-", SELF, "engine", "rages", "-") == 1 && strstr(said, "Reason") == said,
       "a reason that begins with R is a reason");
    ok(LAUNCH("-", "-", SELF, "engine", "silent", "-") == 1 && said[0] == 0,
       "an engine that ends without a word");
    ok(LAUNCH("-", "-", SELF, "engine", "talks", "-") == 1 && strlen(said) == 4096,
       "a reason without end is cut");
}

static void gives_nothing_of_the_callers(void)
{
    ok(LAUNCH("-", "-", SELF, "engine", "looks", "-") == 0 && said[0] == 0,
       "nothing of the caller's: %s", said);
    ok(LAUNCH("-", "-", SELF, "engine", "looks", "-", "--runtime", "/tmp", "--state", "/") == 0 &&
           said[0] == 0,
       "with folders that process 1 sees, too: %s", said);
    ok(LAUNCH("-", "-", SELF, "engine", "looks", "-", "--runtime", "/nowhere", "--state") == 0 &&
           said[0] == 0,
       "with a folder that is not there, and one without a value: %s", said);
    if (getuid() == 0)
        ok(LAUNCH("61312", "61312", SELF, "engine", "looks", "61312") == 0 && said[0] == 0,
           "as another user: %s", said);
    else
        ok(LAUNCH("61312", "61312", SELF, "engine", "looks", "61312") == 1 &&
               strstr(said, "give up root: ") != NULL,
           "only root can become another user");
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[0], "engine") == 0)
        return be_engine(argv[1], argv[2]);
    refuses_what_is_no_number();
    tells_what_becomes_of_it();
    gives_nothing_of_the_callers();
    return tap_done();
}
