// SPDX-License-Identifier: Apache-2.0
/* The agent against good, hostile and vanishing hosts, over a socket pair. */
#include "../agent.h"
#include "../agent_client.h"
#include "fake_pal.h"
#include "tap.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FUZZ_ROUNDS 300

static struct pal pal;
static const int stdio[3] = {0, 1, 2};
static char *no_environment[] = {NULL};

/* Starts `program` on a new connection; 0, or the errno of the refusal, -1 without one. */
static int start(struct served *served, const char *program, uint16_t flags, uint32_t *pid,
                 struct failure *why)
{
    struct agent_welcome welcome;
    char *argv[] = {(char *)(uintptr_t)program, NULL};
    struct agent_exec_request request = {"", argv, no_environment, stdio, flags};
    *why = (struct failure){0};
    serve_start(served, &pal);
    if (agent_greet(served->host, &welcome, why) < 0)
        return -1;
    if (agent_start(served->host, &request, pid, why) < 0)
        return why->errno_value != 0 ? why->errno_value : -1;
    return 0;
}

static void test_greeting(void)
{
    struct served served;
    struct agent_welcome welcome;
    struct failure why = {0};
    serve_start(&served, &pal);
    ok(agent_greet(served.host, &welcome, &why) == 0 && welcome.pal_version == 3 &&
           welcome.abilities == 7 && welcome.state == AGENT_STATE_RUNNING,
       "WELCOME says version, abilities, state");
    serve_end(&served);
}

static void test_exit_codes(void)
{
    static const int codes[] = {0, 1, 127, 255};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct served served;
        struct failure why;
        struct exit_status status;
        uint32_t pid;
        char program[16];
        snprintf(program, sizeof(program), "code %d", codes[i]);
        ok(start(&served, program, 0, &pid, &why) == 0 && pid > 0 &&
               agent_attend(served.host, pid, -1, &status, &why) == 0 &&
               status.by == ENDED_BY_CODE && status.value == codes[i],
           "exit code %d", codes[i]);
        serve_end(&served);
    }
}

static void test_refusals(void)
{
    struct served served;
    struct failure why;
    struct exit_status status;
    uint32_t pid;
    ok(start(&served, "refuse", 0, &pid, &why) == ENOENT && why.code == FAILURE_NOT_FOUND,
       "-ENOENT of pal_create_process is a program that does not exist");
    serve_end(&served);
    ok(start(&served, "fail", 0, &pid, &why) == 0 &&
           agent_attend(served.host, pid, -1, &status, &why) < 0 &&
           why.code == FAILURE_NOT_EXECUTABLE,
       "-ENOEXEC of pal_exec is a program that cannot be run");
    serve_end(&served);
    pal.state = PAL_CREATED;
    ok(start(&served, "code 0", 0, &pid, &why) == -1 &&
           strstr(why.reason, "not been started") != NULL,
       "EXEC before start is refused: %s", why.reason);
    serve_end(&served);
    pal.state = PAL_ENDING;
    ok(start(&served, "code 0", 0, &pid, &why) == -1 && strstr(why.reason, "ending") != NULL,
       "EXEC after the end is refused: %s", why.reason);
    serve_end(&served);
    pal.state = PAL_RUNNING;
}

static void test_kill(void)
{
    struct served one, two;
    struct failure why;
    struct agent_welcome welcome;
    struct exit_status status = {0};
    uint32_t pid;
    ok(start(&one, "wait", 0, &pid, &why) == 0, "a payload that waits");
    serve_start(&two, &pal);
    ok(agent_greet(two.host, &welcome, &why) == 0 &&
           agent_kill(two.host, pid + 1000, SIGTERM, &why) < 0 &&
           strstr(why.reason, "no such process") != NULL,
       "a pid that nobody has: %s", why.reason);
    ok(agent_kill(two.host, pid, SIGTERM, &why) == 0, "a signal from another connection");
    ok(agent_attend(one.host, pid, -1, &status, &why) == 0 && status.value == 143, "it ends by it");
    ok(agent_kill(two.host, pid, SIGTERM, &why) < 0, "its pid is free then");
    serve_end(&one);
    serve_end(&two);
}

static void test_vanishing_host(void)
{
    struct served served;
    struct failure why;
    uint32_t pid;
    int kills = fake_kills;
    ok(start(&served, "wait", 0, &pid, &why) == 0, "a payload whose monitor vanishes");
    serve_end(&served);
    ok(fake_kills == kills + 2 && fake_last_signal == SIGKILL,
       "gets SIGKILL when SIGHUP is refused");
    kills = fake_kills;
    ok(start(&served, "wait", AGENT_EXEC_DETACHED, &pid, &why) == 0, "a detached payload");
    close(served.host);
    usleep(50000);
    ok(fake_kills == kills && payload_lives(&pal, (int)pid), "outlives its connection");
    pal.symbols.kill((int)pid, SIGKILL);
    pthread_join(served.thread, NULL);
}

static void test_reports(void)
{
    struct served served;
    struct agent_welcome welcome;
    struct failure why;
    uint8_t target[512] = {0}, data[64], report[432];
    memset(data, 0x42, sizeof(data));
    serve_start(&served, &pal);
    ok(agent_greet(served.host, &welcome, &why) == 0 &&
           agent_report(served.host, target, data, report, &why) == 0 &&
           memcmp(report + 320, data, 64) == 0 &&
           agent_report(served.host, target, NULL, report, &why) == 0,
       "REPORT with and without data, on one connection");
    pal.symbols.get_report_with_data = NULL;
    ok(agent_report(served.host, target, data, report, &why) < 0 &&
           strstr(why.reason, "pal_get_report_with_data") != NULL,
       "report data that the PAL cannot take is refused: %s", why.reason);
    pal.version = 2;
    ok(agent_report(served.host, target, NULL, report, &why) < 0, "version 2 gives no reports");
    serve_end(&served);
    fake_pal_init(&pal);
}

/* A request that ends the connection with ERROR MALFORMED, FINAL. */
struct bad {
    const char *name;
    void (*write)(struct writer *w);
    uint16_t code;
    uint16_t flags;
    int fd_count;
};

static void write_nothing(struct writer *w)
{
    (void)w;
}
static void write_exec(struct writer *w)
{
    write_string(w, "");
    write_u32(w, 1);
    write_string(w, "code 0");
    write_u32(w, 0);
}
static void write_empty_argv(struct writer *w)
{
    write_string(w, "");
    write_u32(w, 0);
    write_u32(w, 0);
}
static void write_many_strings(struct writer *w)
{
    write_string(w, "");
    write_u32(w, UINT32_MAX);
    write_u32(w, 0);
}
static void write_exec_and_more(struct writer *w)
{
    write_exec(w);
    write_u32(w, 0);
}
static void write_kill_0(struct writer *w)
{
    write_u32(w, 1);
    write_u32(w, 0);
}
static void write_kill_65(struct writer *w)
{
    write_u32(w, 1);
    write_u32(w, 65);
}
static void write_kill_all(struct writer *w)
{
    write_u32(w, UINT32_MAX);
    write_u32(w, SIGKILL);
}
static void write_short_target(struct writer *w)
{
    uint8_t target[511] = {0};
    write_bytes(w, target, sizeof(target));
    write_bytes(w, target, 64);
}
static void write_short_data(struct writer *w)
{
    uint8_t target[512] = {0};
    write_bytes(w, target, sizeof(target));
    write_bytes(w, target, 63);
}

static const struct bad bad_requests[] = {
    {"code 0", write_nothing, 0, 0, 0},
    {"an unknown code", write_nothing, 99, 0, 0},
    {"a reply's code", write_nothing, AGENT_WELCOME, 0, 0},
    {"a second HELLO", write_nothing, AGENT_HELLO, 0, 0},
    {"EXEC without arguments", write_nothing, AGENT_EXEC, 0, 3},
    {"EXEC without a program", write_empty_argv, AGENT_EXEC, 0, 3},
    {"EXEC of 4 billion strings", write_many_strings, AGENT_EXEC, 0, 3},
    {"EXEC with bytes left over", write_exec_and_more, AGENT_EXEC, 0, 3},
    {"EXEC without descriptors", write_exec, AGENT_EXEC, 0, 0},
    {"EXEC with two descriptors", write_exec, AGENT_EXEC, 0, 2},
    {"EXEC on a terminal with three", write_exec, AGENT_EXEC, AGENT_EXEC_TTY, 3},
    {"EXEC with unknown flags", write_exec, AGENT_EXEC, 4, 3},
    {"KILL with a descriptor", write_kill_0, AGENT_KILL, 0, 1},
    {"KILL with signal 0", write_kill_0, AGENT_KILL, 0, 0},
    {"KILL with signal 65", write_kill_65, AGENT_KILL, 0, 0},
    {"KILL of -1", write_kill_all, AGENT_KILL, 0, 0},
    {"KILL with flags", write_kill_all, AGENT_KILL, 1, 0},
    {"KILL without arguments", write_nothing, AGENT_KILL, 0, 0},
    {"REPORT of a short target", write_short_target, AGENT_REPORT, 0, 0},
    {"REPORT with short data", write_short_data, AGENT_REPORT, 0, 0},
};

static bool is_malformed_error(int socket)
{
    struct agent_frame frame;
    if (frame_receive(socket, AGENT_REPLY_MAX, 5000, NULL, &frame) != FRAME_OK)
        return false;
    bool is = frame.code == AGENT_ERROR && frame.flags == AGENT_ERROR_FINAL &&
              read_u32(&frame.payload) == AGENT_MALFORMED;
    frame_free(&frame);
    return is;
}

static bool has_ended(int socket)
{
    struct agent_frame frame;
    enum frame_result result = frame_receive(socket, AGENT_REPLY_MAX, 5000, NULL, &frame);
    return result == FRAME_END || result == FRAME_LOST;
}

static void test_bad_requests(void)
{
    int before = count_fds();
    for (size_t i = 0; i < sizeof(bad_requests) / sizeof(bad_requests[0]); i++) {
        const struct bad *bad = &bad_requests[i];
        struct served served;
        struct agent_welcome welcome;
        struct failure why;
        uint8_t buffer[2048];
        struct writer w;
        serve_start(&served, &pal);
        bool greeted = agent_greet(served.host, &welcome, &why) == 0;
        write_begin(&w, buffer, sizeof(buffer), bad->code, bad->flags);
        bad->write(&w);
        bool sent = frame_send(served.host, buffer, write_end(&w), stdio, bad->fd_count) == 0;
        ok(greeted && sent && is_malformed_error(served.host) && has_ended(served.host),
           "%s is MALFORMED and ends the connection", bad->name);
        serve_end(&served);
    }
    ok(count_fds() == before, "hostile requests leave no descriptor");
}

static void test_bad_greetings(void)
{
    struct served served;
    struct failure why;
    uint8_t buffer[64];
    struct writer w;
    serve_start(&served, &pal);
    write_begin(&w, buffer, sizeof(buffer), AGENT_HELLO, 0);
    write_u32(&w, AGENT_MAGIC + 1);
    write_u32(&w, AGENT_VERSION);
    frame_send(served.host, buffer, write_end(&w), NULL, 0);
    ok(is_malformed_error(served.host), "another magic is malformed");
    serve_end(&served);

    serve_start(&served, &pal);
    write_begin(&w, buffer, sizeof(buffer), AGENT_HELLO, 0);
    write_u32(&w, AGENT_MAGIC);
    write_u32(&w, 2);
    frame_send(served.host, buffer, write_end(&w), NULL, 0);
    struct agent_frame frame;
    bool got = frame_receive(served.host, AGENT_REPLY_MAX, 5000, NULL, &frame) == FRAME_OK;
    ok(got && frame.code == AGENT_ERROR && read_u32(&frame.payload) == AGENT_BAD_VERSION,
       "another version is refused by name");
    if (got)
        frame_free(&frame);
    serve_end(&served);

    char *argv[] = {"code 0", NULL};
    struct agent_exec_request request = {"", argv, no_environment, stdio, 0};
    uint32_t pid;
    serve_start(&served, &pal);
    ok(agent_start(served.host, &request, &pid, &why) < 0, "EXEC instead of HELLO is refused");
    serve_end(&served);
}

/* Good conversations with one byte changed or cut off: nothing may crash, hang or leak. */
static void fuzz(void)
{
    uint32_t state = 7;
    int before = count_fds();
    for (int round = 0; round < FUZZ_ROUNDS; round++) {
        uint8_t buffer[256];
        struct writer w;
        write_begin(&w, buffer, sizeof(buffer), AGENT_HELLO, 0);
        write_u32(&w, AGENT_MAGIC);
        write_u32(&w, AGENT_VERSION);
        size_t hello = write_end(&w);
        write_begin(&w, buffer + hello, sizeof(buffer) - hello, AGENT_EXEC, 0);
        write_exec(&w);
        size_t size = hello + write_end(&w);
        state = state * 1664525 + 1013904223; /* Knuth's constants: the same run every time */
        buffer[(state >> 16) % size] ^= (uint8_t)(1u << (state >> 8 & 7));
        struct served served;
        serve_start(&served, &pal);
        frame_send(served.host, buffer, hello, NULL, 0);
        frame_send(served.host, buffer + hello, (state >> 4) % (size - hello) + 1, stdio, 3);
        serve_end(&served);
    }
    ok(count_fds() == before && pal.payloads == NULL, "%d damaged conversations leave nothing",
       FUZZ_ROUNDS);
}

int main(void)
{
    fake_pal_init(&pal);
    test_greeting();
    test_exit_codes();
    test_refusals();
    test_kill();
    test_vanishing_host();
    test_reports();
    test_bad_requests();
    test_bad_greetings();
    fuzz();
    return tap_done();
}
