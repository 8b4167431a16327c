// SPDX-License-Identifier: Apache-2.0
/* The C client against an agent that the payload has taken over. */
#include "../agent_client.h"
#include "../agent_frame.h"
#include "fake_pal.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Everything the hostile agent will ever say; then it closes. */
struct script {
    uint8_t bytes[16384];
    size_t size;
    int fd; /* sent along with the first byte, or -1 */
};

static void add(struct script *script, uint16_t code, uint16_t flags, int count,
                const uint32_t *u32)
{
    struct writer w;
    write_begin(&w, script->bytes + script->size, sizeof(script->bytes) - script->size, code,
                flags);
    for (int i = 0; i < count; i++)
        write_u32(&w, u32[i]);
    script->size += write_end(&w);
}

static void add_error(struct script *script, uint16_t flags, uint32_t code, uint32_t error,
                      const char *doing)
{
    struct writer w;
    write_begin(&w, script->bytes + script->size, sizeof(script->bytes) - script->size, AGENT_ERROR,
                flags);
    write_u32(&w, code);
    write_u32(&w, error);
    write_string(&w, doing);
    write_string(&w, "reason");
    script->size += write_end(&w);
}

/* The client's end of a connection on which the script has been said. */
static int play(const struct script *script)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        abort();
    if (script->size > 0 &&
        frame_send(pair[1], script->bytes, script->size, &script->fd, script->fd >= 0) < 0)
        abort();
    shutdown(pair[1], SHUT_WR);
    /* The other end stays open so that requests can be sent; closed with the process. */
    return pair[0];
}

#define WELCOME(...)                                                                               \
    AGENT_WELCOME, 0, 5, (const uint32_t[])                                                        \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static int greet(const struct script *script)
{
    struct agent_welcome welcome;
    struct failure why = {0};
    int socket = play(script);
    int result = agent_greet(socket, &welcome, &why);
    close(socket);
    return result;
}

static void test_welcomes(void)
{
    static const struct {
        const char *name;
        uint32_t values[5];
        bool good;
    } welcomes[] = {
        {"a good welcome", {AGENT_MAGIC, 1, 3, 7, 1}, true},
        {"another magic", {1, 1, 3, 7, 1}, false},
        {"another version", {AGENT_MAGIC, 2, 3, 7, 1}, false},
        {"PAL version 0", {AGENT_MAGIC, 1, 0, 7, 1}, false},
        {"PAL version 4", {AGENT_MAGIC, 1, 4, 7, 1}, false},
        {"unknown abilities", {AGENT_MAGIC, 1, 3, 8, 1}, false},
        {"an unknown state", {AGENT_MAGIC, 1, 3, 7, 3}, false},
    };
    for (size_t i = 0; i < sizeof(welcomes) / sizeof(welcomes[0]); i++) {
        struct script script = {.fd = -1};
        add(&script, AGENT_WELCOME, 0, 5, welcomes[i].values);
        ok((greet(&script) == 0) == welcomes[i].good, "%s", welcomes[i].name);
    }
    struct script script = {.fd = -1};
    ok(greet(&script) < 0, "an agent that closes at once");
    add(&script, AGENT_WELCOME, 0, 4, (const uint32_t[]){AGENT_MAGIC, 1, 3, 7});
    ok(greet(&script) < 0, "a welcome that is too short");
    script.size = 0;
    add(&script, WELCOME(AGENT_MAGIC, 1, 3, 7, 1));
    script.fd = 0;
    int before = count_fds();
    ok(greet(&script) < 0, "a welcome with a descriptor is refused");
    ok(count_fds() == before + 1, "and the descriptor is not taken");
    script.fd = -1;
    script.bytes[5] = 0xff;
    ok(greet(&script) < 0, "a welcome that claims 65 KiB");
}

static int attend(const struct script *script, struct exit_status *status, struct failure *why)
{
    int socket = play(script);
    *why = (struct failure){0};
    int result = agent_attend(socket, 1, -1, status, why);
    close(socket);
    return result;
}

static void test_ends(void)
{
    static const struct {
        const char *name;
        uint16_t code, flags;
        uint32_t values[2];
        int good; /* shell status, or -1 */
    } ends[] = {
        {"code 0", AGENT_EXITED, 0, {0, 0}, 0},
        {"code 255", AGENT_EXITED, 0, {0, 255}, 255},
        {"signal 9", AGENT_EXITED, 0, {1, 9}, 137},
        {"code 256", AGENT_EXITED, 0, {0, 256}, -1},
        {"code -1", AGENT_EXITED, 0, {0, UINT32_MAX}, -1},
        {"signal 0", AGENT_EXITED, 0, {1, 0}, -1},
        {"signal 65", AGENT_EXITED, 0, {1, 65}, -1},
        {"a third kind", AGENT_EXITED, 0, {2, 0}, -1},
        {"flags", AGENT_EXITED, 1, {0, 0}, -1},
        {"an unasked KILLED", AGENT_KILLED, 0, {0, 0}, -1},
        {"a second STARTED", AGENT_STARTED, 0, {1, 0}, -1},
        {"an unknown code", 0x8006, 0, {0, 0}, -1},
    };
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct script script = {.fd = -1};
        struct exit_status status;
        struct failure why;
        add(&script, ends[i].code, ends[i].flags, 2, ends[i].values);
        int result = attend(&script, &status, &why);
        ok(ends[i].good < 0 ? result < 0 : result == 0 && exit_status_code(status) == ends[i].good,
           "while a payload runs: %s", ends[i].name);
    }
}

static void test_gone_and_errors(void)
{
    struct script script = {.fd = -1};
    struct exit_status status;
    struct failure why;
    ok(attend(&script, &status, &why) == 0 && exit_status_code(status) == 137,
       "an agent that is gone means SIGKILL");
    script.bytes[0] = 3;
    script.size = 5;
    ok(attend(&script, &status, &why) < 0, "an agent that dies within a frame is an error");

    char text[2048];
    memset(text, 'x', sizeof(text));
    text[1025] = 0;
    script.size = 0;
    add_error(&script, AGENT_ERROR_FINAL, AGENT_PAL, 0, text);
    ok(attend(&script, &status, &why) < 0 && strstr(why.reason, "malformed") != NULL,
       "an error text of 1025 bytes");
    text[300] = 0;
    script.size = 0;
    add_error(&script, AGENT_ERROR_FINAL, AGENT_PAL, 2, text);
    ok(attend(&script, &status, &why) < 0 && why.code == FAILURE_NOT_FOUND && why.errno_value == 2,
       "a good error is told with its errno");
    script.size = 0;
    add_error(&script, AGENT_ERROR_FINAL, 0, 0, "%n%s");
    ok(attend(&script, &status, &why) < 0, "error code 0");
    script.size = 0;
    add_error(&script, AGENT_ERROR_FINAL, AGENT_PAL, 4096, "x");
    ok(attend(&script, &status, &why) < 0, "errno 4096");
    script.size = 0;
    add_error(&script, 0, AGENT_PAL, 1, "x");
    ok(attend(&script, &status, &why) < 0, "an error that answers nothing");
}

static void test_report(void)
{
    uint8_t target[512] = {0}, data[64] = {1}, report[432] = {0};
    for (int variant = 0; variant < 4; variant++) {
        static const char *const names[] = {"good", "other data", "431 bytes", "not fresh"};
        struct script script = {.fd = -1};
        struct writer w;
        memset(report, 0, sizeof(report));
        report[320] = variant != 1;
        write_begin(&w, script.bytes, sizeof(script.bytes), AGENT_REPORTED, 0);
        write_u32(&w, variant != 3);
        write_bytes(&w, report, variant == 2 ? 431 : 432);
        script.size = write_end(&w);
        struct failure why = {0};
        int socket = play(&script);
        ok((agent_report(socket, target, data, report, &why) == 0) == (variant == 0),
           "a report: %s", names[variant]);
        close(socket);
    }
}

int main(void)
{
    test_welcomes();
    test_ends();
    test_gone_and_errors();
    test_report();
    return tap_done();
}
