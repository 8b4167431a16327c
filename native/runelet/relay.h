// SPDX-License-Identifier: Apache-2.0
/* Copies between the caller's standard streams and a container's terminal. */
#ifndef RUNELET_RELAY_H
#define RUNELET_RELAY_H

#include "failure.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#define RELAY_POLLS 2

struct relay {
    int master; /* -1 when there is no terminal to relay */
    bool input_open;
    bool raw; /* `saved` is to be restored */
    struct termios saved;
    char pending[4096]; /* read from standard input, not yet taken by the terminal */
    size_t pending_at, pending_size;
};

/* Receives the master from the console socket (-1: no terminal), makes the caller's terminal raw.
 */
int relay_open(struct relay *relay, int console, struct failure *f);
/* Fills RELAY_POLLS entries; unused ones get fd -1. */
void relay_prepare(const struct relay *relay, struct pollfd *fds);
void relay_transfer(struct relay *relay, const struct pollfd *fds);
/* Gives the container's terminal the size of the caller's. */
void relay_resize(const struct relay *relay);
/* Copies what is still in the terminal and restores the caller's. */
void relay_close(struct relay *relay);

#endif
