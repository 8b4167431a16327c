// SPDX-License-Identifier: Apache-2.0
/* One connection of the agent: HELLO, then KILL, REPORT and one EXEC. */
#include "agent.h"

#include <stdio.h>
#include <string.h>

#include "signals.h"

bool agent_reply(struct agent_connection *c, struct writer *reply)
{
    size_t size = write_end(reply);
    if (size == 0)
        return false;
    pthread_mutex_lock(&c->writing);
    int sent = frame_send(c->socket, reply->start, size, NULL, 0);
    pthread_mutex_unlock(&c->writing);
    return sent == 0;
}

bool agent_reply_error(struct agent_connection *c, uint16_t flags, enum agent_error code, int error,
                       const char *doing, const char *reason)
{
    uint8_t buffer[RECORD_HEADER + AGENT_REPLY_MAX];
    struct writer reply;
    write_begin(&reply, buffer, sizeof(buffer), AGENT_ERROR, flags);
    write_u32(&reply, code);
    write_u32(&reply, (uint32_t)error);
    write_string(&reply, doing);
    write_string(&reply, reason);
    return agent_reply(c, &reply);
}

bool agent_reply_failure(struct agent_connection *c, uint16_t flags, enum agent_error code,
                         const struct failure *why)
{
    return agent_reply_error(c, flags, code, why->errno_value, why->doing, why->reason);
}

static bool malformed(struct agent_connection *c, const char *reason)
{
    agent_reply_error(c, AGENT_ERROR_FINAL, AGENT_MALFORMED, 0, "read a request", reason);
    return false;
}

static uint32_t abilities(const struct pal *pal)
{
    bool reports = pal->version >= 3;
    return (pal_can_kill(pal) ? AGENT_CAN_KILL : 0u) | (reports ? AGENT_CAN_REPORT : 0u) |
           (reports && pal->symbols.get_report_with_data != NULL ? AGENT_CAN_REPORT_DATA : 0u);
}

static uint32_t state(struct pal *pal)
{
    enum pal_state now = pal_state(pal);
    return now == PAL_ENDING    ? AGENT_STATE_ENDING
           : now == PAL_RUNNING ? AGENT_STATE_RUNNING
                                : AGENT_STATE_CREATED;
}

static bool hello(struct agent_connection *c, struct agent_frame *frame)
{
    uint32_t magic = read_u32(&frame->payload);
    uint32_t version = read_u32(&frame->payload);
    if (frame->code != AGENT_HELLO || frame->flags != 0 || frame->fd_count != 0 ||
        !reader_done(&frame->payload) || magic != AGENT_MAGIC)
        return malformed(c, "the first frame is no HELLO");
    if (version != AGENT_VERSION) {
        char reason[96];
        snprintf(reason, sizeof(reason), "version %u is not spoken here, only %u", version,
                 AGENT_VERSION);
        agent_reply_error(c, AGENT_ERROR_FINAL, AGENT_BAD_VERSION, 0, "greet the agent", reason);
        return false;
    }
    uint8_t buffer[64];
    struct writer reply;
    write_begin(&reply, buffer, sizeof(buffer), AGENT_WELCOME, 0);
    write_u32(&reply, AGENT_MAGIC);
    write_u32(&reply, AGENT_VERSION);
    write_u32(&reply, (uint32_t)c->pal->version);
    write_u32(&reply, abilities(c->pal));
    write_u32(&reply, state(c->pal));
    return agent_reply(c, &reply);
}

static bool kill_payload(struct agent_connection *c, struct agent_frame *frame)
{
    uint32_t pid = read_u32(&frame->payload);
    uint32_t number = read_u32(&frame->payload);
    if (frame->flags != 0 || frame->fd_count != 0 || !reader_done(&frame->payload))
        return malformed(c, "KILL has wrong arguments");
    if (number == 0 || number >= SIGNAL_COUNT || pid > INT32_MAX)
        return malformed(c, "KILL has no signal from 1 to 64, or no pid");
    char doing[64];
    snprintf(doing, sizeof(doing), "signal PAL process %u", pid);
    if (!pal_can_kill(c->pal))
        return agent_reply_error(c, 0, AGENT_UNSUPPORTED, 0, doing, "the PAL has no pal_kill");
    if (pid == 0 || !payload_lives(c->pal, (int)pid))
        return agent_reply_error(c, 0, AGENT_NO_PROCESS, 0, doing, "no such process");
    struct failure why;
    if (call_kill(c->pal, (int)pid, (int)number, &why) < 0)
        return agent_reply_failure(c, 0, AGENT_PAL, &why);
    uint8_t buffer[RECORD_HEADER];
    struct writer reply;
    write_begin(&reply, buffer, sizeof(buffer), AGENT_KILLED, 0);
    return agent_reply(c, &reply);
}

static bool report(struct agent_connection *c, struct agent_frame *frame)
{
    uint32_t target_size, data_size;
    const uint8_t *target = read_bytes(&frame->payload, &target_size);
    const uint8_t *data = read_bytes(&frame->payload, &data_size);
    if (frame->flags != 0 || frame->fd_count != 0 || !reader_done(&frame->payload) ||
        target_size != PAL_TARGETINFO_SIZE || (data_size != 0 && data_size != PAL_REPORT_DATA_SIZE))
        return malformed(c, "REPORT has wrong arguments");
    const char *doing = "get a report";
    if ((abilities(c->pal) & AGENT_CAN_REPORT) == 0)
        return agent_reply_error(c, 0, AGENT_UNSUPPORTED, 0, doing,
                                 "the PAL has a version below 3 and gives no reports");
    if (data_size != 0 && (abilities(c->pal) & AGENT_CAN_REPORT_DATA) == 0)
        return agent_reply_error(c, 0, AGENT_UNSUPPORTED, 0, doing,
                                 "the PAL has no pal_get_report_with_data");
    uint8_t bytes[PAL_REPORT_SIZE];
    struct failure why;
    if (call_report(c->pal, target, data_size == 0 ? NULL : data, bytes, &why) < 0)
        return agent_reply_failure(c, 0, AGENT_PAL, &why);
    uint8_t buffer[RECORD_HEADER + AGENT_REPLY_MAX];
    struct writer reply;
    write_begin(&reply, buffer, sizeof(buffer), AGENT_REPORTED, 0);
    write_u32(&reply, data_size != 0);
    write_bytes(&reply, bytes, sizeof(bytes));
    return agent_reply(c, &reply);
}

static bool request(struct agent_connection *c, struct agent_frame *frame)
{
    switch (frame->code) {
    case AGENT_EXEC:
        if (c->has_exec)
            return agent_reply_error(c, 0, AGENT_BUSY, 0, "run a program",
                                     "this connection has already run one");
        return agent_exec(c);
    case AGENT_KILL:
        return kill_payload(c, frame);
    case AGENT_REPORT:
        return report(c, frame);
    default:
        return malformed(c, "unknown code");
    }
}

/* Receives into c->request while there is no EXEC, then into `later`, without descriptors. */
static struct agent_frame *receive(struct agent_connection *c, struct agent_frame *later)
{
    struct agent_frame *frame = c->has_exec ? later : &c->request;
    enum frame_result result =
        frame_receive(c->socket, AGENT_REQUEST_MAX, c->has_exec ? AGENT_FOREVER : AGENT_FRAME_MS,
                      c->has_exec ? NULL : &agent_fork_lock, frame);
    if (result == FRAME_MALFORMED)
        malformed(c, "a frame is too long, badly padded or has too many descriptors");
    return result == FRAME_OK ? frame : NULL;
}

static void release(struct agent_connection *c, struct agent_frame *frame)
{
    if (frame != &c->request)
        frame_free(frame);
    else if (!c->has_exec)
        agent_request_free(c);
}

static void converse(struct agent_connection *c)
{
    struct agent_frame later;
    struct agent_frame *frame = receive(c, &later);
    bool goes_on = frame != NULL && hello(c, frame);
    while (frame != NULL) {
        release(c, frame);
        frame = goes_on ? receive(c, &later) : NULL;
        goes_on = frame != NULL && request(c, frame);
    }
    if (c->has_exec)
        agent_exec_finish(c);
}

void agent_serve_connection(struct pal *pal, int socket)
{
    struct agent_connection c = {.pal = pal, .socket = socket};
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&c.changed, &clock);
    pthread_condattr_destroy(&clock);
    pthread_mutex_init(&c.writing, NULL);
    pthread_mutex_init(&c.lock, NULL);
    agent_fork_add(&c);

    converse(&c);

    agent_fork_remove(&c);
    pthread_cond_destroy(&c.changed);
    pthread_mutex_destroy(&c.writing);
    pthread_mutex_destroy(&c.lock);
}
