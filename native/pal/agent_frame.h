// SPDX-License-Identifier: Apache-2.0
/* Frames of docs/protocol/agent.md on a stream socket: sizes checked, every wait bounded. */
#ifndef PAL_AGENT_FRAME_H
#define PAL_AGENT_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include <pthread.h>

#include "../runelet/record.h"

#define AGENT_MAGIC 0x544e4741u /* "AGNT" */
#define AGENT_VERSION 1u

#define AGENT_REQUEST_MAX (2u << 20) /* payload bytes, host to agent */
#define AGENT_REPLY_MAX 4096u        /* payload bytes, agent to host */
#define AGENT_TEXT_MAX 1024          /* bytes of each of ERROR's strings */

enum agent_code {
    AGENT_HELLO = 1,
    AGENT_EXEC = 2,
    AGENT_KILL = 3,
    AGENT_REPORT = 4,
    AGENT_WELCOME = 0x8001,
    AGENT_STARTED = 0x8002,
    AGENT_EXITED = 0x8003,
    AGENT_KILLED = 0x8004,
    AGENT_REPORTED = 0x8005,
    AGENT_ERROR = 0x80ff,
};

/* Flags of EXEC. */
enum agent_exec_flag {
    AGENT_EXEC_TTY = 1,
    AGENT_EXEC_DETACHED = 2,
};

/* Flag of ERROR: the connection ends, and with it the EXEC, if there was one. */
#define AGENT_ERROR_FINAL 1

/* Abilities in WELCOME. */
enum agent_ability {
    AGENT_CAN_KILL = 1,
    AGENT_CAN_REPORT = 2,
    AGENT_CAN_REPORT_DATA = 4,
};

/* State in WELCOME. */
enum agent_state {
    AGENT_STATE_CREATED = 0,
    AGENT_STATE_RUNNING = 1,
    AGENT_STATE_ENDING = 2,
};

/* Codes of ERROR. */
enum agent_error {
    AGENT_MALFORMED = 1,
    AGENT_BAD_VERSION = 2,
    AGENT_NOT_STARTED = 3,
    AGENT_IS_ENDING = 4,
    AGENT_BUSY = 5,
    AGENT_UNSUPPORTED = 6,
    AGENT_NO_PROCESS = 7,
    AGENT_PAL = 8,
    AGENT_SYSTEM = 9,
};

/* Milliseconds; agent.md, "Times". */
#define AGENT_FRAME_MS 10000
#define AGENT_PATIENT_MS 30000
#define AGENT_FOREVER (-1)

#define AGENT_FDS_MAX 3

/* A received frame. `buffer` holds the payload; strings of a request point into it. */
struct agent_frame {
    uint16_t code;
    uint16_t flags;
    struct reader payload;
    uint8_t *buffer;
    int fds[AGENT_FDS_MAX];
    int fd_count;
};

enum frame_result {
    FRAME_OK,
    FRAME_END,       /* the peer closed between two frames */
    FRAME_SILENT,    /* nothing came in time */
    FRAME_LOST,      /* closed or silent within a frame, or the socket failed */
    FRAME_MALFORMED, /* breaks the rules */
};

/*
 * Receives one frame with at most `max` bytes of payload. Its first byte is waited for
 * `first_ms`, the rest AGENT_FRAME_MS. Without `fd_guard` descriptors are refused, and the kernel
 * drops them; with it they are accepted, and the lock is held from their arrival until frame->fds
 * has them. On FRAME_OK the caller must frame_free.
 */
enum frame_result frame_receive(int socket, uint32_t max, int first_ms, pthread_mutex_t *fd_guard,
                                struct agent_frame *frame);

/* Releases the buffer and closes the descriptors that are still in frame->fds. */
void frame_free(struct agent_frame *frame);

/*
 * Sends `size` bytes, descriptors with the first of them, within AGENT_FRAME_MS; never SIGPIPE.
 * Returns 0, or -1 with errno.
 */
int frame_send(int socket, const void *bytes, size_t size, const int *fds, int fd_count);

#endif
