// SPDX-License-Identifier: Apache-2.0
/* What the server asks. */
#include "monitor.h"

#include "../runelet/record.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

void control_accept(struct monitor *monitor)
{
    int socket = accept4(monitor->listener, NULL, NULL, SOCK_CLOEXEC);
    if (socket < 0)
        return;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (monitor->connections[i] != NULL)
            continue;
        struct connection *connection = calloc(1, sizeof(*connection));
        if (connection == NULL)
            break;
        connection->socket = socket;
        monitor->connections[i] = connection;
        return;
    }
    close(socket);
}

static void close_brought(struct connection *connection)
{
    for (size_t i = 0; i < connection->brought.count; i++)
        close(connection->brought.fd[i]);
    connection->brought.count = 0;
}

void control_close(struct monitor *monitor, struct connection *connection)
{
    close_brought(connection);
    if (connection->started > 0)
        kill(-connection->started, SIGKILL);
    close(connection->socket);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (monitor->connections[i] == connection)
            monitor->connections[i] = NULL;
    }
    free(connection);
}

void control_answer(struct monitor *monitor, struct connection *connection, int64_t result)
{
    uint8_t buffer[64];
    struct writer w;
    write_begin(&w, buffer, sizeof(buffer), MONITOR_DONE, 0);
    write_u64(&w, (uint64_t)result);
    size_t size = write_end(&w);
    if (!planner_send(connection->socket, buffer, size, NULL, 0))
        control_close(monitor, connection);
}

/* Takes the packet's descriptors over. */
static bool on_descriptors(struct connection *connection, struct reader *payload,
                           struct packet *packet)
{
    struct brought *brought = &connection->brought;
    uint32_t count = read_u32(payload);
    if (count != packet->count || count > PLANNER_BROUGHT_MAX - brought->count)
        return false;
    int numbers[PLANNER_DESCRIPTORS_MAX];
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = read_u32(payload);
        if (number > 1u << 20)
            return false;
        numbers[i] = (int)number;
    }
    if (!reader_done(payload))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        brought->fd[brought->count] = packet->descriptors[i];
        brought->number[brought->count++] = numbers[i];
    }
    packet->count = 0;
    return true;
}

static bool has_brought(const struct brought *brought, uint32_t number)
{
    for (size_t i = 0; i < brought->count; i++) {
        if ((uint32_t)brought->number[i] == number)
            return true;
    }
    return false;
}

static bool on_spawn(struct monitor *monitor, struct connection *connection, struct reader *payload)
{
    static uint32_t kept[PLANNER_BROUGHT_MAX];
    struct program program = {.path = read_string(payload, NULL),
                              .argv = read_list(payload),
                              .environment = read_list(payload),
                              .kept = kept,
                              .count = read_u32(payload),
                              .own_group = connection->tied,
                              .unblocked = true};
    bool good = !payload->bad && program.count <= PLANNER_BROUGHT_MAX;
    for (size_t i = 0; good && i < program.count; i++) {
        kept[i] = read_u32(payload);
        good = has_brought(&connection->brought, kept[i]);
    }
    good = good && reader_done(payload);
    int pid = good ? program_start(&program, &connection->brought) : 0;
    free(program.argv);
    free(program.environment);
    close_brought(connection);
    if (connection->tied && pid > 0)
        connection->started = pid;
    if (good)
        control_answer(monitor, connection, pid);
    return good;
}

static bool is_child(pid_t pid)
{
    siginfo_t info;
    return pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static bool on_tie(struct monitor *monitor, struct connection *connection, struct reader *payload)
{
    if (!reader_done(payload))
        return false;
    connection->tied = true;
    control_answer(monitor, connection, 0);
    return true;
}

static bool on_reap(struct monitor *monitor, struct connection *connection, struct reader *payload)
{
    uint32_t pid = read_u32(payload);
    if (!reader_done(payload) || pid == 0 || pid > INT32_MAX)
        return false;
    if (is_child((pid_t)pid))
        connection->reaps = (pid_t)pid;
    else
        control_answer(monitor, connection, 0);
    return true;
}

static bool on_watch(struct monitor *monitor, struct connection *connection, struct reader *payload,
                     struct packet *packet)
{
    uint64_t token = read_u64(payload);
    uint32_t pid = read_u32(payload), roles = read_u32(payload);
    if (!reader_done(payload) || roles >= 1u << ROLES || pid > INT32_MAX ||
        packet->count != (size_t)__builtin_popcount(roles))
        return false;
    int result = watch_find(monitor, token) != NULL ? -EEXIST : !is_child((pid_t)pid) ? -ECHILD : 0;
    if (result == 0) {
        result = watch_add(monitor, token, (pid_t)pid, roles, packet);
        packet->count = 0;
        if (connection->started == (pid_t)pid)
            connection->started = 0;
    }
    control_answer(monitor, connection, result);
    return true;
}

static int resize(const struct watch *watch, uint32_t columns, uint32_t rows)
{
    struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
    if (watch->fd[MASTER] < 0)
        return watch->terminal != NULL ? 0 : -ENOTTY; /* it has ended, and been closed */
    return ioctl(watch->fd[MASTER], TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

static void close_input(struct watch *watch)
{
    watch_close(watch, INPUT_WRITER);
}

static int take_oom(struct watch *watch, uint32_t version, struct packet *packet)
{
    if (watch->oom >= 0)
        return -EEXIST;
    watch->oom = packet->descriptors[0];
    watch->oom_version = version;
    packet->count = 0;
    return 0;
}

/* What is about one process. */
static bool on_watched(struct monitor *monitor, struct connection *connection, uint16_t code,
                       struct reader *payload, struct packet *packet)
{
    bool two = code == MONITOR_RESIZE, one = code == MONITOR_OOM;
    struct watch *watch = watch_find(monitor, read_u64(payload));
    uint32_t first = one || two ? read_u32(payload) : 0, second = two ? read_u32(payload) : 0;
    if (!reader_done(payload) || packet->count != (one ? 1u : 0u))
        return false;
    int64_t result = watch == NULL ? -ESRCH : 0;
    if (watch != NULL && code == MONITOR_RESIZE)
        result = resize(watch, first, second);
    if (watch != NULL && code == MONITOR_OOM)
        result = take_oom(watch, first, packet);
    if (watch != NULL && code == MONITOR_CLOSE_INPUT)
        close_input(watch);
    if (watch != NULL && code == MONITOR_FORGET)
        watch_forget(monitor, watch);
    control_answer(monitor, connection, result);
    return true;
}

static bool dispatch(struct monitor *monitor, struct connection *connection, uint16_t code,
                     struct reader *payload, struct packet *packet)
{
    bool brings = code == MONITOR_DESCRIPTORS || code == MONITOR_WATCH || code == MONITOR_OOM;
    if (packet->count > 0 && !brings)
        return false;
    switch (code) {
    case MONITOR_DESCRIPTORS:
        return on_descriptors(connection, payload, packet);
    case MONITOR_SPAWN:
        return on_spawn(monitor, connection, payload);
    case MONITOR_REAP:
        return on_reap(monitor, connection, payload);
    case MONITOR_TIE:
        return on_tie(monitor, connection, payload);
    case MONITOR_WATCH:
        return on_watch(monitor, connection, payload, packet);
    case MONITOR_RESIZE:
    case MONITOR_CLOSE_INPUT:
    case MONITOR_FORGET:
    case MONITOR_OOM:
        return on_watched(monitor, connection, code, payload, packet);
    default:
        return false;
    }
}

bool control_serve(struct monitor *monitor, struct connection *connection)
{
    static struct packet packet;
    if (!planner_receive(connection->socket, &packet) || packet.size == 0) {
        for (size_t i = 0; i < packet.count; i++)
            close(packet.descriptors[i]);
        control_close(monitor, connection);
        return true;
    }
    struct reader from = {packet.bytes, packet.bytes + packet.size, false};
    struct record record;
    bool good = record_next(&from, &record) && from.at == from.end;
    if (good && record.code == MONITOR_SHUTDOWN && reader_done(&record.payload) &&
        packet.count == 0) {
        control_answer(monitor, connection, 0);
        return false;
    }
    good = good && dispatch(monitor, connection, record.code, &record.payload, &packet);
    for (size_t i = 0; i < packet.count; i++)
        close(packet.descriptors[i]);
    if (!good)
        control_close(monitor, connection);
    return true;
}
