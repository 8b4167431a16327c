// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "agent.h"

/* Held across fork(2), and wherever the descriptors of a connection change. */
pthread_mutex_t agent_fork_lock = PTHREAD_MUTEX_INITIALIZER;

static struct agent_connection *connections;
static int listening = -1;
static _Thread_local const struct agent_connection *own;

static void before(void)
{
    pthread_mutex_lock(&agent_fork_lock);
}

static void after_in_parent(void)
{
    pthread_mutex_unlock(&agent_fork_lock);
}

static void after_in_child(void)
{
    if (listening >= 0)
        close(listening);
    listening = -1;
    for (const struct agent_connection *c = connections; c != NULL; c = c->next) {
        close(c->socket);
        for (int i = 0; i < c->request.fd_count && c != own; i++)
            close(c->request.fds[i]);
    }
    connections = NULL;
    pthread_mutex_unlock(&agent_fork_lock);
}

int agent_fork_watch(int listener)
{
    listening = listener;
    return pthread_atfork(before, after_in_parent, after_in_child);
}

void agent_fork_add(struct agent_connection *c)
{
    pthread_mutex_lock(&agent_fork_lock);
    c->next = connections;
    connections = c;
    pthread_mutex_unlock(&agent_fork_lock);
}

void agent_fork_remove(struct agent_connection *c)
{
    pthread_mutex_lock(&agent_fork_lock);
    for (struct agent_connection **at = &connections; *at != NULL; at = &(*at)->next) {
        if (*at == c) {
            *at = c->next;
            break;
        }
    }
    close(c->socket);
    pthread_mutex_unlock(&agent_fork_lock);
}

void agent_fork_own(struct agent_connection *c)
{
    own = c;
}

void agent_request_free(struct agent_connection *c)
{
    pthread_mutex_lock(&agent_fork_lock);
    frame_free(&c->request);
    pthread_mutex_unlock(&agent_fork_lock);
}
