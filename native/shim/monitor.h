// SPDX-License-Identifier: Apache-2.0
/* The parent of a pod's processes: docs/protocol/shim-monitor.md. */
#ifndef SHIM_MONITOR_H
#define SHIM_MONITOR_H

#include "../front/planner.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CONNECTIONS_MAX 64

enum monitor_code {
    MONITOR_DESCRIPTORS = 1,
    MONITOR_SPAWN = 2,
    MONITOR_REAP = 3,
    MONITOR_WATCH = 4,
    MONITOR_RESIZE = 5,
    MONITOR_CLOSE_INPUT = 6,
    MONITOR_FORGET = 7,
    MONITOR_OOM = 8,
    MONITOR_SHUTDOWN = 9,
    MONITOR_DONE = 10,
    MONITOR_TIE = 11,
    MONITOR_EVENT_EXIT = 20,
    MONITOR_EVENT_OOM = 21,
};

/* Bits of WATCH, and the places of what came with it. */
enum role { INPUT_WRITER, OUTPUT_READER, ERROR_READER, MASTER, TERMINAL_INPUT, TERMINAL_OUTPUT };
#define ROLES 6

#define TERMINAL_ROOM 8192

/* Bytes on their way. */
struct flow {
    uint8_t bytes[TERMINAL_ROOM];
    size_t at, size;
};

/* A terminal's both directions. */
struct terminal {
    struct flow input, output;
};

/* A process whose end is to be told. */
struct watch {
    struct watch *next;
    uint64_t token;
    pid_t pid;
    bool ended;
    int fd[ROLES];             /* -1 where there is none */
    struct terminal *terminal; /* where there is a master */
    int oom;
    uint32_t oom_version;
};

/* A part of the server that asks. */
struct connection {
    int socket;  /* -1: free */
    pid_t reaps; /* its answer waits for this one's end; 0: none */
    bool tied;
    pid_t started; /* the last one, where it is tied and has not ended; 0: none */
    struct brought brought;
};

struct monitor {
    const char *directory;
    int listener, events, signals;
    bool orphaned; /* the server is gone */
    struct watch *watches;
    struct connection *connections[CONNECTIONS_MAX];
    uint8_t *unsent; /* events that the server has not taken */
    size_t unsent_size, unsent_room;
};

/* Runs until SHUTDOWN, or until server and children are gone. */
void monitor_run(struct monitor *monitor);

/* A request on a connection; closes it when it is at its end or breaks the protocol. False:
 * SHUTDOWN. */
bool control_serve(struct monitor *monitor, struct connection *connection);
void control_accept(struct monitor *monitor);
void control_close(struct monitor *monitor, struct connection *connection);
void control_answer(struct monitor *monitor, struct connection *connection, int64_t result);

struct watch *watch_find(const struct monitor *monitor, uint64_t token);
/* Takes over the descriptors, also when it fails; 0 or -errno. */
int watch_add(struct monitor *monitor, uint64_t token, pid_t pid, uint32_t roles,
              const struct packet *packet);
void watch_forget(struct monitor *monitor, struct watch *watch);
void watch_close(struct watch *watch, enum role role);
void watch_ended(struct monitor *monitor, struct watch *watch, int status);
/* Reaps what has ended, tells, and answers who waits. False when no child is left. */
bool watch_reap(struct monitor *monitor);
void watch_oom(struct monitor *monitor, struct watch *watch);

#define TERMINAL_POLLS 3
/* Fills TERMINAL_POLLS entries; unused ones get fd -1. */
void terminal_prepare(const struct watch *watch, struct pollfd *fds);
void terminal_transfer(struct watch *watch, const struct pollfd *fds);

void event_exit(struct monitor *monitor, const struct watch *watch, int status);
void event_oom(struct monitor *monitor, const struct watch *watch, uint32_t count);
/* Writes what the server takes. */
void events_flush(struct monitor *monitor);

#endif
