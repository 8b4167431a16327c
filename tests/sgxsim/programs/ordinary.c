// SPDX-License-Identifier: Apache-2.0
/* ordinary [DIRECTORY]: what any Linux program may expect; nothing of SGX. Prints TAP. Runs
 * directly and on the platform, with the same result. With one of the words below it is its own
 * helper. */
#define _GNU_SOURCE
#include "host.h"
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char self[4096];
static volatile int count, last_signal;
static void *volatile stack_seen;

static void count_signal(int signal)
{
    int local;
    stack_seen = &local;
    last_signal = signal;
    count++;
}

static void set_handler(int signal, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaction(signal, &action, NULL);
}

static int status_of(pid_t child)
{
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static int run(char *const *argv)
{
    pid_t child;
    if (posix_spawn(&child, argv[0], NULL, NULL, argv, environ) != 0)
        return -1;
    return status_of(child);
}

static void masks(void)
{
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGSEGV);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigprocmask(SIG_BLOCK, NULL, &old);
    check("a blocked SIGSEGV reads back", sigismember(&old, SIGSEGV) && sigismember(&old, SIGUSR2));
    count = 0;
    set_handler(SIGSEGV, count_signal, 0);
    kill(getpid(), SIGSEGV);
    check("  and waits when it is sent", count == 0);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    check("  and arrives when it is unblocked", count == 1 && last_signal == SIGSEGV);
    sigprocmask(SIG_BLOCK, NULL, &old);
    check("  and is unblocked", !sigismember(&old, SIGSEGV) && !sigismember(&old, SIGUSR2));
}

static sigset_t mask_in_handler;

static void read_mask(int signal)
{
    (void)signal;
    sigprocmask(SIG_BLOCK, NULL, &mask_in_handler);
}

static void handlers(void)
{
    struct sigaction action = {.sa_handler = read_mask}, old;
    sigaddset(&action.sa_mask, SIGBUS);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    sigset_t now_blocked;
    sigprocmask(SIG_BLOCK, NULL, &now_blocked);
    check("sa_mask holds during a handler, and no longer",
          sigismember(&mask_in_handler, SIGBUS) && sigismember(&mask_in_handler, SIGUSR1) &&
              !sigismember(&now_blocked, SIGBUS) && !sigismember(&now_blocked, SIGUSR1));
    sigaction(SIGUSR1, NULL, &old);
    check("a disposition reads back",
          old.sa_handler == read_mask && sigismember(&old.sa_mask, SIGBUS));
    count = 0;
    set_handler(SIGUSR1, count_signal, SA_RESETHAND);
    raise(SIGUSR1);
    sigaction(SIGUSR1, NULL, &old);
    check("SA_RESETHAND", count == 1 && old.sa_handler == SIG_DFL);
}

static sigjmp_buf back;

static void jump_back(int signal)
{
    (void)signal;
    siglongjmp(back, 1);
}

static void faults(void)
{
    static char area[65536];
    stack_t stack = {.ss_sp = area, .ss_size = sizeof area}, old;
    sigaltstack(&stack, NULL);
    set_handler(SIGUSR1, count_signal, SA_ONSTACK);
    raise(SIGUSR1);
    check("an alternate stack is used",
          (char *)stack_seen > area && (char *)stack_seen < area + sizeof area);
    sigaltstack(NULL, &old);
    check("  and reads back", old.ss_sp == area && old.ss_size == sizeof area && old.ss_flags == 0);
    volatile int rounds = 0;
    set_handler(SIGSEGV, jump_back, SA_ONSTACK);
    for (int i = 0; i < 3; i++) {
        if (sigsetjmp(back, 1) == 0)
            *(volatile int *)8 = 1;
        rounds++;
    }
    check("SIGSEGV, left by siglongjmp, three times", rounds == 3);
    set_handler(SIGSEGV, SIG_DFL, 0);
    pid_t child = fork();
    if (child == 0)
        *(volatile int *)8 = 1;
    int status = status_of(child);
    check("SIGSEGV without a handler ends the process",
          WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_IGN);
        kill(getpid(), SIGSEGV);
        *(volatile int *)8 = 1;
    }
    status = status_of(child);
    check("an ignored SIGSEGV is ignored when sent, not when it is a fault",
          WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void fifo(const char *directory)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/fifo", directory);
    mkfifo(path, 0600);
    count = 0;
    set_handler(SIGALRM, count_signal, 0);
    ualarm(30000, 0);
    int fd = open(path, O_RDONLY);
    check("open of a FIFO is interrupted by a signal", fd == -1 && errno == EINTR && count == 1);
    set_handler(SIGALRM, count_signal, SA_RESTART);
    pid_t child = fork();
    if (child == 0) {
        usleep(120000);
        fd = open(path, O_WRONLY);
        _exit(write(fd, "x", 1) != 1);
    }
    ualarm(30000, 0);
    fd = open(path, O_RDONLY);
    char byte = 0;
    check("  and restarted where SA_RESTART asks for it",
          fd >= 0 && count == 2 && read(fd, &byte, 1) == 1 && byte == 'x');
    close(fd);
    status_of(child);
}

static int exec_error(const char *path)
{
    char *const argv[] = {"x", NULL};
    execve(path, argv, environ);
    return errno;
}

static void write_file(char *path, size_t size, const char *directory, const char *name,
                       const char *text, mode_t mode)
{
    snprintf(path, size, "%s/%s", directory, name);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (write(fd, text, strlen(text)) < 0)
        perror(path);
    fchmod(fd, mode);
    close(fd);
}

static void executions(const char *directory)
{
    char plain[4200], text[4200], script[4200], chain[4200], line[8500];
    check("execve of nothing is ENOENT", exec_error("/nonexistent-folder/program") == ENOENT);
    check("execve of a directory is EACCES", exec_error("/") == EACCES);
    write_file(plain, sizeof plain, directory, "plain", "#!/bin/sh\n", 0600);
    check("execve without permission is EACCES", exec_error(plain) == EACCES);
    write_file(text, sizeof text, directory, "text", "some text\n", 0700);
    check("execve of text is ENOEXEC", exec_error(text) == ENOEXEC);
    write_file(text, sizeof text, directory, "orphan", "#!/nonexistent-folder/interpreter\n", 0700);
    check("execve of a script without its interpreter is ENOENT", exec_error(text) == ENOENT);
    write_file(script, sizeof script, directory, "script",
               "#!/bin/sh -e\n[ \"$1\" = one ] && [ \"$2\" = 'two words' ] && exit 7\n", 0700);
    char *const script_argv[] = {script, "one", "two words", NULL};
    check("a script with arguments", WEXITSTATUS(run(script_argv)) == 7);
    snprintf(line, sizeof line, "#!%s one\n", script);
    write_file(chain, sizeof chain, directory, "chain", line, 0700);
    char *const chain_argv[] = {chain, NULL};
    check("a script whose interpreter is a script", WEXITSTATUS(run(chain_argv)) == 1);
    pid_t child = fork();
    if (child == 0) {
        int fd = open(self, O_RDONLY | O_CLOEXEC);
        char *const argv[] = {"again", "exit-9", NULL};
        fexecve(fd, argv, environ);
        _exit(1);
    }
    check("fexecve of a close-on-exec descriptor", WEXITSTATUS(status_of(child)) == 9);
    char *const own[] = {"/proc/self/exe", "exit-9", NULL};
    check("execve of /proc/self/exe", WEXITSTATUS(run(own)) == 9);
    child = fork();
    if (child == 0) {
        static char *argv[3002];
        argv[0] = self;
        argv[1] = "count-3001";
        for (int i = 2; i < 3001; i++)
            argv[i] = "word";
        execv(self, argv);
        _exit(1);
    }
    check("three thousand arguments", WEXITSTATUS(status_of(child)) == 9);
    child = fork();
    if (child == 0) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGSEGV);
        sigaddset(&set, SIGUSR1);
        sigprocmask(SIG_SETMASK, &set, NULL);
        signal(SIGFPE, SIG_IGN);
        signal(SIGUSR2, SIG_IGN);
        signal(SIGBUS, count_signal);
        execl(self, self, "inherited", NULL);
        _exit(1);
    }
    check("blocked and ignored signals are inherited, handlers are not",
          WEXITSTATUS(status_of(child)) == 9);
}

static int inherited(void)
{
    sigset_t set;
    sigprocmask(SIG_BLOCK, NULL, &set);
    struct sigaction fpe, usr2, bus;
    sigaction(SIGFPE, NULL, &fpe);
    sigaction(SIGUSR2, NULL, &usr2);
    sigaction(SIGBUS, NULL, &bus);
    return sigismember(&set, SIGSEGV) && sigismember(&set, SIGUSR1) && !sigismember(&set, SIGINT) &&
           !sigismember(&set, SIGFPE) && fpe.sa_handler == SIG_IGN && usr2.sa_handler == SIG_IGN &&
           bus.sa_handler == SIG_DFL;
}

static void processes(void)
{
    pid_t child = vfork();
    if (child == 0) {
        execl(self, self, "exit-9", NULL);
        _exit(1);
    }
    check("vfork and exec", WEXITSTATUS(status_of(child)) == 9);
    child = vfork();
    if (child == 0) {
        execl("/nonexistent-folder/program", "x", NULL);
        _exit(errno);
    }
    check("vfork and an exec that fails", WEXITSTATUS(status_of(child)) == ENOENT);
    char *const missing[] = {"/nonexistent-folder/program", NULL};
    check("posix_spawn of nothing is ENOENT",
          posix_spawn(&child, missing[0], NULL, NULL, missing, environ) == ENOENT);
    set_handler(SIGSEGV, count_signal, 0);
    set_handler(SIGUSR1, count_signal, 0);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    char *const nine[] = {self, "exit-9", NULL};
    posix_spawn(&child, self, NULL, &attributes, nine, environ);
    struct sigaction segv, usr1;
    int status = status_of(child);
    sigaction(SIGSEGV, NULL, &segv);
    sigaction(SIGUSR1, NULL, &usr1);
    count = 0;
    raise(SIGUSR1);
    raise(SIGSEGV);
    check("posix_spawn with signals reset leaves the parent's as they are",
          WEXITSTATUS(status) == 9 && segv.sa_handler == count_signal &&
              usr1.sa_handler == count_signal && count == 2);
    struct clone_args fork_like = {.exit_signal = SIGCHLD};
    child = (pid_t)syscall(SYS_clone3, &fork_like, sizeof fork_like);
    if (child == 0)
        _exit(9);
    check("clone3 of a process", child > 0 && WEXITSTATUS(status_of(child)) == 9);
    check("system()", system("exit 9") == 9 << 8);
}

static void *nothing(void *argument)
{
    sigset_t set;
    sigprocmask(SIG_BLOCK, NULL, &set);
    return sigismember(&set, SIGUSR2) && fegetround() == FE_UPWARD ? argument : NULL;
}

static void *spin_and_map(void *argument)
{
    for (int i = 0; i < 2000; i++) {
        void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        mprotect(page, 4096, PROT_READ);
        munmap(page, 4096);
    }
    return argument;
}

static void threads(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    fesetround(FE_UPWARD);
    int good = 0;
    for (int i = 0; i < 300; i++) {
        pthread_t thread;
        void *result = NULL;
        if (pthread_create(&thread, NULL, nothing, self) == 0)
            pthread_join(thread, &result);
        good += result == self;
    }
    fesetround(FE_TONEAREST);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    check("300 threads, with their creator's mask and rounding mode", good == 300);
    pthread_t many[8];
    set_handler(SIGUSR1, count_signal, SA_RESTART);
    count = 0;
    for (int i = 0; i < 8; i++)
        pthread_create(&many[i], NULL, spin_and_map, NULL);
    for (int i = 0; i < 200; i++) {
        pthread_kill(many[i % 8], SIGUSR1);
        usleep(200);
    }
    for (int i = 0; i < 8; i++)
        pthread_join(many[i], NULL);
    check("signals to threads that map and unmap", count > 0);
}

static volatile struct {
    int count, number;
    uint64_t address;
} trapped;

static void on_sigsys(int signal, siginfo_t *info, void *data)
{
    (void)signal;
    ucontext_t *context = data;
    trapped.count++;
    trapped.number = info->si_syscall;
    trapped.address = (uint64_t)info->si_call_addr;
    context->uc_mcontext.gregs[REG_RAX] = -EDOM;
}

/* A program's own filter that traps getuid and, of calls that the platform traps too, munmap. */
static int own_filter(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getuid, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_munmap, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    struct sigaction action = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};
    sigaction(SIGSYS, &action, NULL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
        return 1;
    if (syscall(SYS_getuid) != -1 || errno != EDOM || trapped.number != SYS_getuid)
        return 2;
    if (syscall(SYS_munmap, 0, 4096) != -1 || errno != EDOM || trapped.number != SYS_munmap)
        return 3;
    return trapped.count == 2 && trapped.address - (uint64_t)&syscall < 64 ? 9 : 4;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "/tmp";
    if (strcmp(word, "exit-9") == 0)
        return 9;
    if (strcmp(word, "count-3001") == 0)
        return argc == 3001 && strcmp(argv[3000], "word") == 0 ? 9 : 1;
    if (strcmp(word, "inherited") == 0)
        return inherited() ? 9 : 1;
    if (strcmp(word, "own-filter") == 0)
        return own_filter();
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return 1;
    masks();
    handlers();
    faults();
    fifo(word);
    executions(word);
    processes();
    threads();
    char *const filter[] = {self, "own-filter", NULL};
    check("a seccomp filter of the program's own", WEXITSTATUS(run(filter)) == 9);
    return finish();
}
