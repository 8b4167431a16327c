// SPDX-License-Identifier: Apache-2.0
/* The agent's listening side: one thread accepts, one more for each connection. */
#include "agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
/* Pause after a failure that may pass, such as too many open files. */
#define ACCEPT_AGAIN_US 100000

struct agent {
    struct pal *pal;
    int listener;
    atomic_int connections;
};

struct accepted {
    struct agent *agent;
    int socket;
};

static void *serve(void *argument)
{
    struct accepted accepted = *(struct accepted *)argument;
    free(argument);
    agent_serve_connection(accepted.agent->pal, accepted.socket);
    atomic_fetch_sub(&accepted.agent->connections, 1);
    return NULL;
}

static void refuse(int socket)
{
    uint8_t buffer[256];
    struct writer reply;
    write_begin(&reply, buffer, sizeof(buffer), AGENT_ERROR, AGENT_ERROR_FINAL);
    write_u32(&reply, AGENT_BUSY);
    write_u32(&reply, 0);
    write_string(&reply, "connect to the agent");
    write_string(&reply, "too many connections");
    frame_send(socket, buffer, write_end(&reply), NULL, 0);
}

static bool start(struct agent *agent, int socket)
{
    struct accepted *accepted = malloc(sizeof(*accepted));
    if (accepted == NULL)
        return false;
    *accepted = (struct accepted){agent, socket};
    pthread_t thread;
    if (pal_thread(&thread, serve, accepted) != 0) {
        free(accepted);
        return false;
    }
    pthread_detach(thread);
    return true;
}

static void *accept_all(void *argument)
{
    struct agent *agent = argument;
    for (;;) {
        int socket = accept4(agent->listener, NULL, NULL, SOCK_CLOEXEC);
        if (socket < 0) {
            if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK) {
                pal_warn(agent->pal, "accept a connection of the agent: %s", strerror(errno));
                return NULL;
            }
            usleep(ACCEPT_AGAIN_US);
            continue;
        }
        if (atomic_fetch_add(&agent->connections, 1) < CONNECTIONS_MAX && start(agent, socket))
            continue;
        refuse(socket);
        close(socket);
        atomic_fetch_sub(&agent->connections, 1);
    }
}

int pal_serve(struct pal *pal, int listener, struct failure *why)
{
    struct agent *agent = calloc(1, sizeof(*agent));
    if (agent == NULL)
        return fail_errno(why, ENOMEM, "start the agent");
    agent->pal = pal;
    agent->listener = listener;
    pthread_t thread;
    int error = agent_fork_watch(listener);
    if (error == 0)
        error = pal_thread(&thread, accept_all, agent);
    if (error != 0) {
        free(agent);
        return fail_errno(why, error, "start the agent");
    }
    pthread_detach(thread);
    return 0;
}
