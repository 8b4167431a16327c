// SPDX-License-Identifier: Apache-2.0
/* The front's side of the planner's socket: docs/protocol/planner.md. */
#ifndef FRONT_PLANNER_H
#define FRONT_PLANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLANNER_VERSION 1
#define PLANNER_PACKET_MAX (64u << 10)
#define PLANNER_DESCRIPTORS_MAX 96 /* with one packet */
#define PLANNER_FIRST_OWN 64       /* numbers below are the caller's, from here on the worker's */

enum planner_code {
    PLANNER_HELLO = 1,
    PLANNER_OFFER = 2,
    PLANNER_REFUSE = 3,
    PLANNER_GO = 4,
    PLANNER_SPAWN = 5,
    PLANNER_BECOME = 6,
    PLANNER_DESCRIPTORS = 7,
    PLANNER_REAP = 8,
    PLANNER_REAP_ENDED = 9,
    PLANNER_TAKE = 10,
    PLANNER_DONE = 11,
    PLANNER_EXIT = 12,
};

/* What the front was called with. */
struct caller {
    const char *engine; /* what a cold start would execute */
    char **argv;        /* without the program's name */
    char **environment;
    const int *descriptors; /* open ones from 3 on */
    size_t count;
};

/* One packet as it was received. */
struct packet {
    uint8_t bytes[PLANNER_PACKET_MAX];
    size_t size;
    int descriptors[PLANNER_DESCRIPTORS_MAX];
    size_t count;
};

/* Returns when nobody may or will do it: then it is done cold. Otherwise the process ends here. */
void planner_ask(const struct caller *caller);

/* What a worker asks, until it says EXIT; the process ends here. */
_Noreturn void planner_serve(int socket);

/* False with errno, EMSGSIZE for what is too long; size 0 at the end of the connection. */
bool planner_receive(int socket, struct packet *packet);
bool planner_send(int socket, const void *bytes, size_t size, const int *descriptors, size_t count);

/* Descriptors that came, and the numbers a program gets them under. */
#define PLANNER_BROUGHT_MAX 1024
struct brought {
    int fd[PLANNER_BROUGHT_MAX];
    int number[PLANNER_BROUGHT_MAX];
    size_t count;
};

struct program {
    const char *path;
    char **argv;
    char **environment;
    const uint32_t *kept; /* numbers that survive execve */
    size_t count;
    bool own_group; /* starts in a process group of its own */
    bool unblocked; /* starts with no signal blocked, whatever its parent has */
};

/* Starts it; its pid, or -errno. */
int program_start(const struct program *program, const struct brought *brought);

/*
 * Becomes it; returns -errno. `socket` may be moved out of the way, and what came is then under the
 * program's numbers.
 */
int program_become(const struct program *program, struct brought *brought, int *socket);

#endif
