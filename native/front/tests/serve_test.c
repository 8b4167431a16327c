// SPDX-License-Identifier: Apache-2.0
/* A front's answers to a worker, from the worker's end of the socket; and to what is no worker. */
#include "../planner.h"

#include "../../pal/tests/tap.h"
#include "../../runelet/record.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A front that gives up ends with 1: what a sanitizer finds must look different. */
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

struct front {
    pid_t pid;
    int socket;
};

static uint8_t buffer[PLANNER_PACKET_MAX];
static struct writer w;
static struct packet packet;

static struct front start_front(void)
{
    int pair[2];
    fflush(stdout);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        abort();
    pid_t pid = fork();
    if (pid == 0) {
        close(pair[0]);
        close(2);
        open("/dev/null", O_WRONLY);
        planner_serve(pair[1]);
    }
    close(pair[1]);
    return (struct front){pid, pair[0]};
}

/* Its exit status, or 128 plus the signal. */
static int end_front(struct front *front)
{
    int status;
    close(front->socket);
    waitpid(front->pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void begin(uint16_t code)
{
    write_begin(&w, buffer, sizeof(buffer), code, 0);
}

static void send_it(struct front *front, const int *descriptors, size_t count)
{
    size_t size = write_end(&w);
    planner_send(front->socket, buffer, size, descriptors, count);
}

/* The result of DONE; INT64_MIN where there is none. */
static int64_t result(struct front *front)
{
    if (!planner_receive(front->socket, &packet) || packet.size == 0)
        return INT64_MIN;
    struct reader from = {packet.bytes, packet.bytes + packet.size, false};
    struct record record;
    if (!record_next(&from, &record) || record.code != PLANNER_DONE)
        return INT64_MIN;
    return (int64_t)read_u64(&record.payload);
}

static void write_strings(const char *const *strings)
{
    uint32_t count = 0;
    while (strings[count] != NULL)
        count++;
    write_u32(&w, count);
    for (uint32_t i = 0; i < count; i++)
        write_string(&w, strings[i]);
}

static void write_program(uint16_t code, const char *path, const char *script, const uint32_t *kept,
                          uint32_t count)
{
    begin(code);
    write_string(&w, path);
    write_strings((const char *const[]){"sh", "-c", script, NULL});
    write_strings((const char *const[]){"A=given", NULL});
    write_u32(&w, count);
    for (uint32_t i = 0; i < count; i++)
        write_u32(&w, kept[i]);
}

static void bring(struct front *front, const int *descriptors, const uint32_t *numbers,
                  uint32_t count)
{
    begin(PLANNER_DESCRIPTORS);
    write_u32(&w, count);
    for (uint32_t i = 0; i < count; i++)
        write_u32(&w, numbers[i]);
    send_it(front, descriptors, count);
}

static int64_t ask_number(struct front *front, uint16_t code, uint32_t number)
{
    begin(code);
    write_u32(&w, number);
    send_it(front, NULL, 0);
    return result(front);
}

static int64_t ask_ended(struct front *front)
{
    begin(PLANNER_REAP_ENDED);
    send_it(front, NULL, 0);
    return result(front);
}

static void test_exit(void)
{
    struct front front = start_front();
    begin(PLANNER_EXIT);
    write_u32(&w, 42);
    send_it(&front, NULL, 0);
    ok(end_front(&front) == 42, "EXIT ends the front with its code");
}

static void test_processes(void)
{
    struct front front = start_front();
    ok(ask_ended(&front) == 1, "no child is left where there was none");
    write_program(PLANNER_SPAWN, "/bin/sh", "exit 3", NULL, 0);
    send_it(&front, NULL, 0);
    int64_t pid = result(&front);
    ok(pid > 1, "SPAWN tells the pid");
    ok(ask_number(&front, PLANNER_REAP, (uint32_t)pid) == 0, "REAP waits for it");
    ok(ask_number(&front, PLANNER_REAP, (uint32_t)pid) == -ECHILD, "and not for what is gone");
    ok(ask_number(&front, PLANNER_REAP, 0) == -EINVAL, "0 is no pid: it would be a group");
    write_program(PLANNER_SPAWN, "/nowhere", "", NULL, 0);
    send_it(&front, NULL, 0);
    ok(result(&front) == -ENOENT, "a program that is not there is an error number");
    ok(ask_ended(&front) == 1, "whose process has been waited for");
    write_program(PLANNER_SPAWN, "/bin/sh", "exec sleep 100", NULL, 0);
    send_it(&front, NULL, 0);
    pid = result(&front);
    ok(ask_ended(&front) == 0, "a child that runs is left");
    kill((pid_t)pid, SIGKILL);
    ok(ask_number(&front, PLANNER_REAP, (uint32_t)pid) == 0 && ask_ended(&front) == 1,
       "until it has ended");
    ok(end_front(&front) == 1, "the end of the connection is a failure");
}

static ssize_t read_line(int fd, char *line, size_t size)
{
    ssize_t n = read(fd, line, size - 1);
    line[n < 0 ? 0 : n] = 0;
    return n;
}

static void test_descriptors(void)
{
    struct front front = start_front();
    int one[2], other[2];
    char line[256];
    if (pipe2(one, O_CLOEXEC) < 0 || pipe2(other, O_CLOEXEC) < 0)
        abort();
    const int sent[] = {one[1], other[1]};
    /* Whatever numbers they come under: some of these cross them. */
    for (uint32_t base = 64; base < 70; base++) {
        const uint32_t numbers[] = {base + 1, base};
        bring(&front, sent, numbers, 2);
        char script[128];
        snprintf(script, sizeof(script), "echo one $A >&%u; echo other >&%u", base + 1, base);
        write_program(PLANNER_SPAWN, "/bin/bash", script, numbers, 2);
        send_it(&front, NULL, 0);
        int64_t pid = result(&front);
        read_line(one[0], line, sizeof(line));
        bool good = pid > 0 && strcmp(line, "one given\n") == 0;
        read_line(other[0], line, sizeof(line));
        ok(good && strcmp(line, "other\n") == 0, "descriptors at %u and %u", base + 1, base);
    }
    bring(&front, sent, (const uint32_t[]){80, 81}, 2);
    write_program(PLANNER_SPAWN, "/bin/bash", "ls /proc/self/fd | tr '\\n' ' ' >&80",
                  (const uint32_t[]){80}, 1);
    send_it(&front, NULL, 0);
    result(&front);
    usleep(1000);
    read_line(one[0], line, sizeof(line));
    ok(strstr(line, "80 ") != NULL && strstr(line, "81 ") == NULL,
       "one that is not named does not survive execve: %s", line);
    end_front(&front);
}

static void test_become(void)
{
    struct front front = start_front();
    int one[2];
    char line[64];
    if (pipe2(one, O_CLOEXEC) < 0)
        abort();
    const uint32_t number = 64;
    bring(&front, &one[1], &number, 1);
    write_program(PLANNER_BECOME, "/nowhere", "", &number, 1);
    send_it(&front, NULL, 0);
    ok(result(&front) == -ENOENT, "BECOME that fails tells why");
    ok(ask_ended(&front) == 1, "and the front goes on");
    for (uint32_t at = 3; at < 12; at++) {
        /* The number of the front's own socket is among these, or the next ones. */
        bring(&front, &one[1], &(const uint32_t){61 + at}, 1);
        write_program(PLANNER_BECOME, "/nowhere", "", NULL, 0);
        send_it(&front, NULL, 0);
        ok(result(&front) == -ENOENT, "its socket survives a descriptor at %u", 61 + at);
    }
    bring(&front, &one[1], &number, 1);
    /* Not sh: dash knows descriptors of one digit only. */
    write_program(PLANNER_BECOME, "/bin/bash", "echo $$ >&64; exit 7", &number, 1);
    send_it(&front, NULL, 0);
    ok(result(&front) == INT64_MIN, "BECOME ends the connection");
    read_line(one[0], line, sizeof(line));
    ok(atoi(line) == front.pid, "in the same process");
    ok(end_front(&front) == 7, "which is the program now");
}

static void test_take(void)
{
    struct front front = start_front();
    int one[2];
    if (pipe2(one, O_CLOEXEC) < 0)
        abort();
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    begin(PLANNER_TAKE);
    write_u32(&w, (uint32_t)one[1]);
    send_it(&front, &pidfd, 1);
    bool taken = result(&front) == 0 && packet.count == 1;
    ok(taken && write(packet.descriptors[0], "x", 1) == 1 && read(one[0], buffer, 1) == 1,
       "TAKE gives a descriptor of the process");
    begin(PLANNER_TAKE);
    write_u32(&w, 4000);
    send_it(&front, &pidfd, 1);
    ok(result(&front) == -EBADF && packet.count == 0, "or says why not");
    end_front(&front);
}

/* What is sent must end the front with 1, and start nothing. */
static void refuse(const char *name, struct front *front)
{
    ok(result(front) == INT64_MIN && end_front(front) == 1, "%s", name);
}

static void test_refused(void)
{
    struct front front = start_front();
    planner_send(front.socket, "x", 1, NULL, 0);
    refuse("half a header", &front);
    front = start_front();
    begin(PLANNER_HELLO);
    send_it(&front, NULL, 0);
    refuse("another code", &front);
    front = start_front();
    begin(PLANNER_REAP);
    send_it(&front, NULL, 0);
    refuse("an argument is missing", &front);
    front = start_front();
    begin(PLANNER_REAP_ENDED);
    write_u32(&w, 1);
    send_it(&front, NULL, 0);
    refuse("an argument too many", &front);
    front = start_front();
    begin(PLANNER_EXIT);
    write_u32(&w, 256);
    send_it(&front, NULL, 0);
    refuse("no exit code", &front);
    front = start_front();
    begin(PLANNER_REAP_ENDED);
    send_it(&front, (const int[]){0}, 1);
    refuse("a descriptor that nobody asked for", &front);
    front = start_front();
    begin(PLANNER_TAKE);
    write_u32(&w, 0);
    send_it(&front, NULL, 0);
    refuse("TAKE without its pidfd", &front);
    front = start_front();
    bring(&front, NULL, (const uint32_t[]){64}, 0);
    begin(PLANNER_DESCRIPTORS);
    write_u32(&w, 1);
    write_u32(&w, 64);
    send_it(&front, NULL, 0);
    refuse("a number without its descriptor", &front);
    front = start_front();
    bring(&front, (const int[]){0}, (const uint32_t[]){3}, 1);
    refuse("a number of the caller's", &front);
    front = start_front();
    write_program(PLANNER_SPAWN, "/bin/true", "", (const uint32_t[]){64}, 1);
    send_it(&front, NULL, 0);
    refuse("a program that keeps what did not come", &front);
    front = start_front();
    for (int i = 0; i < 12; i++) {
        int zeros[90] = {0};
        uint32_t numbers[90];
        for (int j = 0; j < 90; j++)
            numbers[j] = 64;
        bring(&front, zeros, numbers, 90);
    }
    refuse("more descriptors than there is room for", &front);
}

/* Damaged requests: answered or given up on, but never a crash. */
static void test_fuzz(void)
{
    unsigned rounds = 600, crashed = 0;
    srand(20);
    for (unsigned round = 0; round < rounds; round++) {
        struct front front = start_front();
        static const uint16_t codes[] = {PLANNER_SPAWN, PLANNER_BECOME, PLANNER_DESCRIPTORS,
                                         PLANNER_REAP, PLANNER_TAKE};
        uint16_t code = codes[round % 5];
        if (code == PLANNER_SPAWN || code == PLANNER_BECOME) {
            write_program(code, "/nowhere/at/all", "x", (const uint32_t[]){0, 1, 2}, 3);
        } else {
            begin(code);
            write_u32(&w, (uint32_t)rand());
            write_u32(&w, 64);
        }
        size_t size = write_end(&w);
        for (int i = rand() % 4; i >= 0; i--)
            buffer[(size_t)rand() % size] = (uint8_t)rand();
        if (rand() % 4 == 0)
            size = (size_t)rand() % size + 1;
        planner_send(front.socket, buffer, size, (const int[]){0}, (size_t)rand() % 2);
        shutdown(front.socket, SHUT_WR);
        int status = end_front(&front);
        crashed += status == FOUND || status > 128;
    }
    ok(crashed == 0, "%u damaged requests, %u crashes", rounds, crashed);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    test_exit();
    test_processes();
    test_descriptors();
    test_become();
    test_take();
    test_refused();
    test_fuzz();
    return tap_done();
}
