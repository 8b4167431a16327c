// SPDX-License-Identifier: Apache-2.0
/*
 * Copying between a terminal and fifos. Each direction has room for one buffer, and is read only
 * when that is empty: who does not read keeps only the terminal's own programs waiting.
 */
#include "monitor.h"

#include <errno.h>
#include <unistd.h>

static bool is_empty(const struct flow *flow)
{
    return flow->at == flow->size;
}

void terminal_prepare(const struct watch *watch, struct pollfd *fds)
{
    for (int i = 0; i < TERMINAL_POLLS; i++)
        fds[i] = (struct pollfd){-1, 0, 0};
    if (watch->terminal == NULL || watch->fd[MASTER] < 0)
        return;
    const struct flow *input = &watch->terminal->input, *output = &watch->terminal->output;
    short wanted = (is_empty(output) ? POLLIN : 0) | (is_empty(input) ? 0 : POLLOUT);
    /* Without a wish it would only be asked for POLLHUP, which stays: a busy loop. */
    fds[0] = (struct pollfd){wanted != 0 ? watch->fd[MASTER] : -1, wanted, 0};
    fds[1] = (struct pollfd){is_empty(input) ? watch->fd[TERMINAL_INPUT] : -1, POLLIN, 0};
    fds[2] = (struct pollfd){is_empty(output) ? -1 : watch->fd[TERMINAL_OUTPUT], POLLOUT, 0};
}

static bool is_passing(void)
{
    return errno == EAGAIN || errno == EINTR;
}

enum filled { FILLED, NOTHING_YET, AT_END };

static enum filled fill(struct flow *flow, int fd)
{
    ssize_t n = read(fd, flow->bytes, sizeof(flow->bytes));
    flow->at = 0;
    flow->size = n > 0 ? (size_t)n : 0;
    return n > 0 ? FILLED : n < 0 && is_passing() ? NOTHING_YET : AT_END;
}

/* What nobody will take any more is dropped. */
static void pour(struct flow *flow, int fd)
{
    ssize_t n = fd < 0 ? -1 : write(fd, flow->bytes + flow->at, flow->size - flow->at);
    if (n > 0)
        flow->at += (size_t)n;
    else if (fd < 0 || (n < 0 && !is_passing()))
        flow->at = flow->size;
}

static void close_all(struct watch *watch)
{
    for (int role = 0; role < ROLES; role++)
        watch_close(watch, role);
}

/* Nothing is read before what was read has been taken: a terminal at its end is closed last. */
static void copy_output(struct watch *watch)
{
    struct flow *output = &watch->terminal->output;
    while (is_empty(output)) {
        enum filled filled = fill(output, watch->fd[MASTER]);
        /* What its background processes say once the program has ended is not waited for, as runc's
         * shim closes the console then. */
        if (filled == AT_END || (filled == NOTHING_YET && watch->ended)) {
            close_all(watch);
            return;
        }
        if (filled == NOTHING_YET)
            return;
        pour(output, watch->fd[TERMINAL_OUTPUT]);
    }
}

void terminal_transfer(struct watch *watch, const struct pollfd *fds)
{
    if (watch->terminal == NULL || watch->fd[MASTER] < 0)
        return;
    struct flow *input = &watch->terminal->input, *output = &watch->terminal->output;
    if (fds[1].revents != 0 && fill(input, watch->fd[TERMINAL_INPUT]) == AT_END)
        watch_close(watch, TERMINAL_INPUT);
    if (!is_empty(input))
        pour(input, watch->fd[MASTER]);
    if (fds[2].revents != 0)
        pour(output, watch->fd[TERMINAL_OUTPUT]);
    if (is_empty(output) && (fds[0].revents != 0 || fds[2].revents != 0 || watch->ended))
        copy_output(watch);
}
