// SPDX-License-Identifier: Apache-2.0
/* The monitor as a server sees it, from the other end of its sockets; and what is no server. */
#include "../monitor.h"

#include "../../pal/tests/tap.h"
#include "../../runelet/record.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct server {
    pid_t pid;
    int control, events;
    char directory[64];
};

static uint8_t buffer[PLANNER_PACKET_MAX];
static struct writer w;
static struct packet packet;

static struct sockaddr_un address_of(const char *directory)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", directory);
    return address;
}

static int connect_to(const char *directory)
{
    struct sockaddr_un address = address_of(directory);
    int control = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (connect(control, (struct sockaddr *)&address, sizeof(address)) < 0)
        abort();
    return control;
}

static _Noreturn void be_monitor(struct monitor *monitor)
{
    sigset_t all;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    monitor->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    monitor_run(monitor);
    free(monitor->unsent);
    while (monitor->watches != NULL)
        watch_forget(monitor, monitor->watches);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (monitor->connections[i] != NULL)
            control_close(monitor, monitor->connections[i]);
    }
    exit(0);
}

static struct server start_monitor(void)
{
    struct server server = {.directory = "/tmp/shim-monitor-XXXXXX"};
    int pair[2];
    if (mkdtemp(server.directory) == NULL ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        abort();
    struct sockaddr_un address = address_of(server.directory);
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(listener, 99) < 0)
        abort();
    fflush(stdout);
    server.pid = fork();
    if (server.pid == 0) {
        static struct monitor monitor;
        close(pair[0]);
        monitor.directory = server.directory;
        monitor.listener = listener;
        monitor.events = pair[1];
        be_monitor(&monitor);
    }
    close(listener);
    close(pair[1]);
    server.events = pair[0];
    server.control = connect_to(server.directory);
    return server;
}

static int wait_for(struct server *server)
{
    int status;
    char path[128];
    close(server->control);
    waitpid(server->pid, &status, 0);
    close(server->events);
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s", server->directory, i == 0 ? "control" : "exits");
        unlink(path);
    }
    rmdir(server->directory);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void begin(uint16_t code)
{
    write_begin(&w, buffer, sizeof(buffer), code, 0);
}

static void send_it(int control, const int *descriptors, size_t count)
{
    size_t size = write_end(&w);
    planner_send(control, buffer, size, descriptors, count);
}

/* The result of DONE to what is under construction; INT64_MIN where there is none. */
static int64_t ask(int control, const int *descriptors, size_t count)
{
    send_it(control, descriptors, count);
    if (!planner_receive(control, &packet) || packet.size == 0)
        return INT64_MIN;
    struct reader from = {packet.bytes, packet.bytes + packet.size, false};
    struct record record;
    if (!record_next(&from, &record) || record.code != MONITOR_DONE)
        return INT64_MIN;
    return (int64_t)read_u64(&record.payload);
}

static int64_t ask_token(int control, uint16_t code, uint64_t token)
{
    begin(code);
    write_u64(&w, token);
    return ask(control, NULL, 0);
}

static int64_t resize(int control, uint32_t columns, uint32_t rows)
{
    begin(MONITOR_RESIZE);
    write_u64(&w, 1);
    write_u32(&w, columns);
    write_u32(&w, rows);
    return ask(control, NULL, 0);
}

static int end_monitor(struct server *server)
{
    begin(MONITOR_SHUTDOWN);
    return ask(server->control, NULL, 0) == 0 ? wait_for(server) : -1;
}

/* A program with its first `count` descriptors. */
static int64_t spawn(int control, const char *path, const char *script, const int *descriptors,
                     uint32_t count)
{
    begin(MONITOR_DESCRIPTORS);
    write_u32(&w, count);
    for (uint32_t i = 0; i < count; i++)
        write_u32(&w, i);
    send_it(control, descriptors, count);
    begin(MONITOR_SPAWN);
    write_string(&w, path);
    write_u32(&w, script == NULL ? 1 : 3);
    write_string(&w, "program");
    if (script != NULL) {
        write_string(&w, "-c");
        write_string(&w, script);
    }
    write_u32(&w, 0);
    write_u32(&w, count);
    for (uint32_t i = 0; i < count; i++)
        write_u32(&w, i);
    return ask(control, NULL, 0);
}

static int64_t watch(int control, uint64_t token, int64_t pid, uint32_t roles,
                     const int *descriptors)
{
    begin(MONITOR_WATCH);
    write_u64(&w, token);
    write_u32(&w, (uint32_t)pid);
    write_u32(&w, roles);
    return ask(control, descriptors, (size_t)__builtin_popcount(roles));
}

struct told {
    uint64_t token;
    uint32_t pid, status;
};

static struct told next_exit(const struct server *server)
{
    uint8_t bytes[32];
    struct told told = {0};
    if (recv(server->events, bytes, sizeof(bytes), MSG_WAITALL) != sizeof(bytes))
        return told;
    struct reader from = {bytes, bytes + sizeof(bytes), false};
    struct record record;
    if (record_next(&from, &record) && record.code == MONITOR_EVENT_EXIT) {
        told.token = read_u64(&record.payload);
        told.pid = read_u32(&record.payload);
        told.status = read_u32(&record.payload);
    }
    return told;
}

static void test_exits(void)
{
    struct server server = start_monitor();
    int gate[2];
    if (pipe(gate) < 0)
        abort();
    int64_t pid = spawn(server.control, "/bin/sh", "read line; exit 3", gate, 1);
    ok(pid > 1, "SPAWN tells the pid");
    ok(watch(server.control, 7, pid, 0, NULL) == 0, "its end is awaited");
    ok(watch(server.control, 7, pid, 0, NULL) == -EEXIST, "a token is used once");
    ok(watch(server.control, 8, getpid(), 0, NULL) == -ECHILD, "only children are");
    close(gate[0]);
    close(gate[1]);
    struct told told = next_exit(&server);
    ok(told.token == 7 && told.pid == pid && told.status == 3 << 8, "told, with its status");
    begin(MONITOR_REAP);
    write_u32(&w, (uint32_t)pid);
    ok(ask(server.control, NULL, 0) == 0, "REAP of what is gone is answered at once");
    char path[128], line[128] = {0}, wanted[64];
    snprintf(path, sizeof(path), "%s/exits", server.directory);
    FILE *file = fopen(path, "re");
    ok(file != NULL && fgets(line, sizeof(line), file) != NULL, "it is on disk");
    if (file != NULL)
        fclose(file);
    snprintf(wanted, sizeof(wanted), "7 %d %d ", (int)pid, 3 << 8);
    ok(strncmp(line, wanted, strlen(wanted)) == 0, "in the page's form");
    ok(ask_token(server.control, MONITOR_FORGET, 7) == 0, "FORGET");
    ok(ask_token(server.control, MONITOR_FORGET, 7) == -ESRCH, "once");
    ok(spawn(server.control, "/nowhere", NULL, NULL, 0) == -ENOENT, "a program that is not there");
    int reading[2];
    if (pipe(reading) < 0)
        abort();
    pid = spawn(server.control, "/bin/cat", NULL, reading, 1); /* no shell: they unblock signals */
    ok(watch(server.control, 9, pid, 0, NULL) == 0 && kill((pid_t)pid, SIGTERM) == 0 &&
           next_exit(&server).status == SIGTERM,
       "what is started has no signal blocked");
    close(reading[0]);
    close(reading[1]);
    ok(end_monitor(&server) == 0, "SHUTDOWN is answered, and done");
}

/* A verb that is given up takes what it waits for with it, and nothing else. */
static void test_ties(void)
{
    struct server server = start_monitor();
    int tied = connect_to(server.directory), gate[2];
    if (pipe(gate) < 0)
        abort();
    begin(MONITOR_TIE);
    ok(ask(tied, NULL, 0) == 0, "TIE");
    int64_t kept = spawn(tied, "/bin/sh", "read line", gate, 1);
    ok(watch(tied, 1, kept, 0, NULL) == 0, "what is watched is kept");
    int64_t other = spawn(server.control, "/bin/sh", "read line", gate, 1);
    ok(watch(server.control, 2, other, 0, NULL) == 0, "so is another's");
    /* The shell's child holds the pipe's writing end, too: it ends with its group. */
    int held[2];
    if (pipe(held) < 0)
        abort();
    int given[2] = {gate[0], held[1]};
    int64_t pid = spawn(tied, "/bin/sh", "sleep 1000; true", given, 2);
    ok(pid > 1, "something that takes long");
    close(held[1]);
    begin(MONITOR_REAP);
    write_u32(&w, (uint32_t)pid);
    send_it(tied, NULL, 0);
    close(tied);
    char byte;
    ok(read(held[0], &byte, 1) == 0, "all of it is killed");
    ok(kill((pid_t)kept, 0) == 0 && kill((pid_t)other, 0) == 0, "the others are not");
    close(held[0]);
    close(gate[0]);
    close(gate[1]);
    uint64_t tokens = next_exit(&server).token + next_exit(&server).token;
    ok(tokens == 3, "and are told of, and nobody else");
    ok(end_monitor(&server) == 0, "its end");
}

/* Nobody reads the events while they come: more than the socket takes. */
static void test_many(void)
{
    enum { COUNT = 1000 };
    static int64_t pids[COUNT];
    static bool seen[COUNT];
    struct server server = start_monitor();
    int small = 1, gate[2], count = 0;
    setsockopt(server.events, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    bool watched = true;
    for (int i = 0; i < COUNT; i++) {
        if (pipe2(gate, O_CLOEXEC) < 0)
            abort();
        pids[i] = spawn(server.control, "/bin/cat", NULL, gate, 1);
        close(gate[0]);
        watched = watched && watch(server.control, (uint64_t)i + 1, pids[i], 0, NULL) == 0;
        close(gate[1]);
    }
    ok(watched, "many are started and watched");
    for (int i = 0; i < COUNT; i++) {
        struct told told = next_exit(&server);
        if (told.token == 0 || told.token > COUNT || seen[told.token - 1])
            break;
        seen[told.token - 1] = told.pid == (uint32_t)pids[told.token - 1];
        count += seen[told.token - 1];
    }
    ok(count == COUNT, "every one is told, once");
    ok(end_monitor(&server) == 0, "it ends");
}

static void read_until(int fd, char *text, size_t size, const char *wanted)
{
    size_t used = 0;
    text[0] = 0;
    while ((wanted == NULL || strstr(text, wanted) == NULL) && used + 1 < size) {
        ssize_t n = read(fd, text + used, size - used - 1);
        if (n <= 0)
            break;
        used += (size_t)n;
        text[used] = 0;
    }
}

/* A program on a terminal whose output goes to `output`, and which gets what is in `input`. */
static int64_t spawn_on_terminal(int control, const char *script, int *input, int *output)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 || pipe2(input, O_CLOEXEC) < 0 ||
        pipe2(output, O_CLOEXEC) < 0)
        abort();
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    int64_t pid = spawn(control, "/bin/sh", script, (const int[]){slave, slave, slave}, 3);
    close(slave);
    const uint32_t roles = 1u << MASTER | 1u << TERMINAL_INPUT | 1u << TERMINAL_OUTPUT;
    ok(watch(control, 1, pid, roles, (const int[]){master, input[0], output[1]}) == 0,
       "a terminal is handed over");
    close(master);
    close(input[0]);
    close(output[1]);
    return pid;
}

static void test_terminal(void)
{
    struct server server = start_monitor();
    int input[2], output[2];
    char text[512];
    spawn_on_terminal(server.control,
                      "stty -echo; echo ready; read l; echo got $l; stty size; exit 5", input,
                      output);
    read_until(output[0], text, sizeof(text), "ready");
    ok(strstr(text, "ready") != NULL, "what it says is copied");
    ok(resize(server.control, 100, 30) == 0, "RESIZE");
    ok(write(input[1], "word\n", 5) == 5, "what is typed");
    read_until(output[0], text, sizeof(text), NULL);
    ok(strstr(text, "got word") != NULL, "reaches the program");
    ok(strstr(text, "30 100") != NULL, "which knows the size");
    ok(next_exit(&server).status == 5 << 8, "its end is told, and the output has ended");
    ok(resize(server.control, 1, 1) == 0, "a terminal that is gone is resized in vain");
    close(input[1]);
    close(output[0]);
    ok(end_monitor(&server) == 0, "it ends");
}

/* A reader that never reads keeps its program waiting, and nobody else. */
static void test_pressure(void)
{
    struct server server = start_monitor();
    int input[2], output[2];
    int64_t pid =
        spawn_on_terminal(server.control, "while :; do echo 0123456789abcdef; done", input, output);
    int other = connect_to(server.directory);
    ok(ask_token(other, MONITOR_CLOSE_INPUT, 1) == 0, "others are served meanwhile");
    close(other);
    kill((pid_t)pid, SIGKILL);
    ok(next_exit(&server).status == SIGKILL, "its end is told although its output is not read");
    ok(ask_token(server.control, MONITOR_FORGET, 1) == 0, "it is forgotten with what it said");
    close(input[1]);
    close(output[0]);
    ok(end_monitor(&server) == 0, "it ends");
}

static bool is_closed(int control)
{
    bool closed = planner_receive(control, &packet) && packet.size == 0;
    close(control);
    return closed;
}

static void test_nonsense(void)
{
    struct server server = start_monitor();
    for (unsigned code = 0; code < 12; code++) {
        int control = connect_to(server.directory);
        begin((uint16_t)code);
        write_u32(&w, 0xffffffff); /* too short for any, too long, or a count that is a lie */
        write_u32(&w, 0xffffffff);
        write_u32(&w, 0xffffffff);
        send_it(control, NULL, 0);
        ok(is_closed(control), "a malformed request %u ends its connection", code);
    }
    int control = connect_to(server.directory), crowd[CONNECTIONS_MAX + 8];
    planner_send(control, "short", 5, NULL, 0);
    ok(is_closed(control), "as does what is no record");
    control = connect_to(server.directory);
    begin(MONITOR_FORGET);
    write_u64(&w, 1);
    send_it(control, (const int[]){0}, 1);
    ok(is_closed(control), "and a descriptor that nobody wants");
    for (size_t i = 0; i < CONNECTIONS_MAX + 8; i++)
        crowd[i] = connect_to(server.directory);
    ok(ask_token(server.control, MONITOR_FORGET, 1) == -ESRCH,
       "a crowd does not keep it from work");
    for (size_t i = 0; i < CONNECTIONS_MAX + 8; i++)
        close(crowd[i]);
    ok(spawn(server.control, "/bin/true", NULL, NULL, 0) > 1, "which goes on");
    shutdown(server.events, SHUT_RDWR);
    ok(wait_for(&server) == 0, "without a server and without children it ends");
}

static void write_events(int file, const char *text)
{
    if (ftruncate(file, 0) < 0 || pwrite(file, text, strlen(text), 0) < 0)
        abort();
}

static void test_memory_events(void)
{
    struct monitor monitor = {.events = -1};
    struct watch watch = {.token = 1, .oom_version = 2};
    watch.oom = memfd_create("memory.events", MFD_CLOEXEC);
    write_events(watch.oom, "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n");
    watch_oom(&monitor, &watch);
    ok(watch.oom >= 0 && monitor.unsent_size == 0, "nothing has happened yet: it stays watched");
    write_events(watch.oom, "low 0\nhigh 0\nmax 3\noom 1\noom_kill 0\n");
    watch_oom(&monitor, &watch);
    ok(watch.oom >= 0 && monitor.unsent_size == 0, "nor was a limit without a victim the end");
    write_events(watch.oom, "low 0\nhigh 0\nmax 4\noom 2\noom_kill 1\n");
    watch_oom(&monitor, &watch);
    ok(watch.oom >= 0 && monitor.unsent_size > 0, "a victim is told of");
    write_events(watch.oom, ""); /* of a cgroup that is gone nothing can be read */
    watch_oom(&monitor, &watch);
    ok(watch.oom < 0, "and a removed cgroup is left alone");
    free(monitor.unsent);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    test_exits();
    test_ties();
    test_many();
    test_terminal();
    test_pressure();
    test_nonsense();
    test_memory_events();
    return tap_done();
}
