// SPDX-License-Identifier: Apache-2.0
#include "agent_client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../include/enclave_runtime_pal.h"
#include "agent_frame.h"
#include "signals.h"

#define ERRNO_LAST 4095
#define REPORT_DATA_OFFSET 320 /* REPORT.REPORTDATA, SDM volume 3D, table 38-21 */

static int broken(struct failure *why, const char *reason)
{
    return fail_code(why, FAILURE_PAL, reason, "talk to the agent");
}

static int send_frame(int socket, struct writer *request, const int *fds, int fd_count,
                      struct failure *why)
{
    size_t size = write_end(request);
    if (size == 0)
        return broken(why, "the request is longer than a frame can be");
    if (frame_send(socket, request->start, size, fds, fd_count) < 0)
        return fail_errno(why, errno, "talk to the agent");
    return 0;
}

/* ERROR becomes a failure; its texts are the agent's and may be anything without a NUL. */
static int read_error(struct agent_frame *reply, struct failure *why)
{
    uint32_t code = read_u32(&reply->payload);
    uint32_t error = read_u32(&reply->payload);
    const char *doing = read_string(&reply->payload, NULL);
    const char *reason = read_string(&reply->payload, NULL);
    if (!reader_done(&reply->payload) || code < AGENT_MALFORMED || code > AGENT_SYSTEM ||
        error > ERRNO_LAST || strlen(doing) > AGENT_TEXT_MAX || strlen(reason) > AGENT_TEXT_MAX)
        return broken(why, "a malformed error");
    fail_code(why,
              error == ENOENT || error == ENOTDIR   ? FAILURE_NOT_FOUND
              : error == EACCES || error == ENOEXEC ? FAILURE_NOT_EXECUTABLE
                                                    : FAILURE_PAL,
              reason, "%s", doing);
    why->errno_value = (int)error;
    return -1;
}

/*
 * Receives the reply `code`; ERROR and everything unexpected is a failure. On success the caller
 * reads reply->payload, checks reader_done and frees the frame.
 */
static int receive_reply(int socket, uint16_t code, int ms, struct agent_frame *reply,
                         struct failure *why)
{
    switch (frame_receive(socket, AGENT_REPLY_MAX, ms, NULL, reply)) {
    case FRAME_OK:
        break;
    case FRAME_SILENT:
        return broken(why, "it does not answer");
    case FRAME_MALFORMED:
        return broken(why, "a malformed frame");
    case FRAME_END:
    case FRAME_LOST:
        return broken(why, "it closed the connection");
    }
    if (reply->code == code && reply->flags == 0)
        return 0;
    if (reply->code == AGENT_ERROR && reply->flags <= AGENT_ERROR_FINAL)
        read_error(reply, why);
    else
        broken(why, "an unexpected frame");
    frame_free(reply);
    return -1;
}

int agent_greet(int socket, struct agent_welcome *welcome, struct failure *why)
{
    uint8_t buffer[32];
    struct writer hello;
    write_begin(&hello, buffer, sizeof(buffer), AGENT_HELLO, 0);
    write_u32(&hello, AGENT_MAGIC);
    write_u32(&hello, AGENT_VERSION);
    struct agent_frame reply;
    if (send_frame(socket, &hello, NULL, 0, why) < 0 ||
        receive_reply(socket, AGENT_WELCOME, AGENT_FRAME_MS, &reply, why) < 0)
        return -1;
    uint32_t magic = read_u32(&reply.payload);
    uint32_t version = read_u32(&reply.payload);
    welcome->pal_version = read_u32(&reply.payload);
    welcome->abilities = read_u32(&reply.payload);
    welcome->state = read_u32(&reply.payload);
    bool ok = reader_done(&reply.payload) && magic == AGENT_MAGIC && version == AGENT_VERSION &&
              welcome->pal_version >= 1 && welcome->pal_version <= 3 && welcome->abilities <= 7 &&
              welcome->state <= AGENT_STATE_ENDING;
    frame_free(&reply);
    return ok ? 0 : broken(why, "a malformed welcome");
}

static void write_list(struct writer *w, char *const *list)
{
    uint32_t count = 0;
    while (list[count] != NULL)
        count++;
    write_u32(w, count);
    for (uint32_t i = 0; i < count; i++)
        write_string(w, list[i]);
}

int agent_start(int socket, const struct agent_exec_request *request, uint32_t *pid,
                struct failure *why)
{
    size_t size = RECORD_HEADER + AGENT_REQUEST_MAX;
    uint8_t *buffer = malloc(size);
    if (buffer == NULL)
        return fail_errno(why, ENOMEM, "talk to the agent");
    struct writer exec;
    write_begin(&exec, buffer, size, AGENT_EXEC, request->flags);
    write_string(&exec, request->cwd);
    write_list(&exec, request->argv);
    write_list(&exec, request->environment);
    int fd_count = (request->flags & AGENT_EXEC_TTY) != 0 ? 1 : 3;
    int sent = send_frame(socket, &exec, request->fds, fd_count, why);
    free(buffer);
    struct agent_frame reply;
    if (sent < 0 || receive_reply(socket, AGENT_STARTED, AGENT_PATIENT_MS, &reply, why) < 0)
        return -1;
    *pid = read_u32(&reply.payload);
    bool ok = reader_done(&reply.payload) && *pid <= INT32_MAX;
    frame_free(&reply);
    return ok ? 0 : broken(why, "a malformed start");
}

static int send_kill(int socket, uint32_t pid, uint32_t number, struct failure *why)
{
    uint8_t buffer[32];
    struct writer request;
    write_begin(&request, buffer, sizeof(buffer), AGENT_KILL, 0);
    write_u32(&request, pid);
    write_u32(&request, number);
    return send_frame(socket, &request, NULL, 0, why);
}

int agent_kill(int socket, uint32_t pid, uint32_t number, struct failure *why)
{
    struct agent_frame reply;
    if (send_kill(socket, pid, number, why) < 0 ||
        receive_reply(socket, AGENT_KILLED, AGENT_FRAME_MS, &reply, why) < 0)
        return -1;
    bool ok = reader_done(&reply.payload);
    frame_free(&reply);
    return ok ? 0 : broken(why, "a malformed answer to a signal");
}

static int read_exited(struct agent_frame *reply, struct exit_status *status, struct failure *why)
{
    uint32_t by = read_u32(&reply->payload);
    uint32_t value = read_u32(&reply->payload);
    bool code = by == ENDED_BY_CODE && value <= 255;
    bool signalled = by == ENDED_BY_SIGNAL && value >= 1 && value < SIGNAL_COUNT;
    if (!reader_done(&reply->payload) || !(code || signalled))
        return broken(why, "a malformed exit status");
    *status = (struct exit_status){code ? ENDED_BY_CODE : ENDED_BY_SIGNAL, (int)value};
    return 0;
}

/* Passes on what the signalfd has. */
static void forward_signals(int socket, uint32_t pid, int signal_fd, uint32_t *unanswered)
{
    struct signalfd_siginfo info;
    struct failure why;
    if (read(signal_fd, &info, sizeof(info)) != sizeof(info) || info.ssi_signo == 0 ||
        info.ssi_signo >= SIGNAL_COUNT)
        return;
    /* A socket that takes no more has the payload's end to be read, or its own. */
    if (send_kill(socket, pid, info.ssi_signo, &why) == 0)
        *unanswered += 1;
}

/*
 * Takes one frame while a payload runs: 1 when it says how the payload ended, 0 when it answers a
 * signal, else -1. Answers that nobody asked for would let the agent keep this process busy.
 */
static int attend_frame(int socket, uint32_t *unanswered, struct exit_status *status,
                        struct failure *why)
{
    struct agent_frame reply;
    enum frame_result result = frame_receive(socket, AGENT_REPLY_MAX, 0, NULL, &reply);
    if (result == FRAME_END) {
        *status = (struct exit_status){ENDED_BY_SIGNAL, SIGKILL};
        return 1;
    }
    if (result != FRAME_OK)
        return result == FRAME_SILENT ? 0 : broken(why, "a malformed or incomplete frame");
    int answer = -1;
    bool to_signal = *unanswered > 0;
    if (reply.code == AGENT_EXITED && reply.flags == 0) {
        answer = read_exited(&reply, status, why) < 0 ? -1 : 1;
    } else if (reply.code == AGENT_KILLED && reply.flags == 0 && to_signal &&
               reader_done(&reply.payload)) {
        *unanswered -= 1;
        answer = 0;
    } else if (reply.code == AGENT_ERROR && reply.flags == AGENT_ERROR_FINAL) {
        read_error(&reply, why);
    } else if (reply.code == AGENT_ERROR && reply.flags == 0 && to_signal) {
        /* A payload that cannot be signalled goes on. */
        *unanswered -= 1;
        answer = 0;
    } else {
        broken(why, "an unexpected frame");
    }
    frame_free(&reply);
    return answer;
}

int agent_attend(int socket, uint32_t pid, int signal_fd, struct exit_status *status,
                 struct failure *why)
{
    uint32_t unanswered = 0;
    for (;;) {
        struct pollfd polled[2] = {{socket, POLLIN, 0}, {signal_fd, POLLIN, 0}};
        if (poll(polled, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            return fail_errno(why, errno, "wait for the agent");
        }
        if (polled[0].revents != 0) {
            int answer = attend_frame(socket, &unanswered, status, why);
            if (answer != 0)
                return answer > 0 ? 0 : -1;
        }
        if (polled[1].revents != 0)
            forward_signals(socket, pid, signal_fd, &unanswered);
    }
}

int agent_report(int socket, const uint8_t *target, const uint8_t *data, uint8_t *report,
                 struct failure *why)
{
    uint8_t buffer[1024];
    struct writer request;
    write_begin(&request, buffer, sizeof(buffer), AGENT_REPORT, 0);
    write_bytes(&request, target, PAL_TARGETINFO_SIZE);
    write_bytes(&request, data, data == NULL ? 0 : PAL_REPORT_DATA_SIZE);
    struct agent_frame reply;
    if (send_frame(socket, &request, NULL, 0, why) < 0 ||
        receive_reply(socket, AGENT_REPORTED, AGENT_PATIENT_MS, &reply, why) < 0)
        return -1;
    uint32_t size;
    uint32_t fresh = read_u32(&reply.payload);
    const uint8_t *bytes = read_bytes(&reply.payload, &size);
    int result = 0;
    if (!reader_done(&reply.payload) || size != PAL_REPORT_SIZE || fresh != (data != NULL))
        result = broken(why, "a malformed report");
    else if (data != NULL && memcmp(bytes + REPORT_DATA_OFFSET, data, PAL_REPORT_DATA_SIZE) != 0)
        result = broken(why, "a report without the report data that was asked for");
    else
        memcpy(report, bytes, PAL_REPORT_SIZE);
    frame_free(&reply);
    return result;
}
