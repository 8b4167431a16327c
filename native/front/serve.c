// SPDX-License-Identifier: Apache-2.0
/* What has to be the caller's own: a worker's requests behind GO, in docs/protocol/planner.md. */
#include "planner.h"

#include "../runelet/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* As a cold `rune` that is killed: something may have been done, and nobody knows what. */
static _Noreturn void give_up(const char *reason)
{
    dprintf(2,
            "rune: the planner did not finish: %s\nhint: `rune delete --force` removes a container "
            "that was left half-made\n",
            reason);
    _exit(1);
}

static void answer(int socket, int64_t result, const int *descriptor)
{
    uint8_t buffer[64];
    struct writer w;
    write_begin(&w, buffer, sizeof(buffer), PLANNER_DONE, 0);
    write_u64(&w, (uint64_t)result);
    size_t size = write_end(&w);
    if (!planner_send(socket, buffer, size, descriptor, descriptor == NULL ? 0 : 1))
        give_up("it has ended");
}

static bool add_brought(struct brought *brought, struct reader *payload,
                        const struct packet *packet)
{
    uint32_t count = read_u32(payload);
    if (count != packet->count || count > PLANNER_BROUGHT_MAX - brought->count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = read_u32(payload);
        if (number < PLANNER_FIRST_OWN || number > 1u << 20)
            return false;
        brought->fd[brought->count] = packet->descriptors[i];
        brought->number[brought->count++] = (int)number;
    }
    return reader_done(payload);
}

static bool has_brought(const struct brought *brought, uint32_t number)
{
    for (size_t i = 0; i < brought->count; i++) {
        if ((uint32_t)brought->number[i] == number)
            return true;
    }
    return false;
}

static bool read_program(struct reader *payload, const struct brought *brought,
                         struct program *program)
{
    static uint32_t kept[PLANNER_BROUGHT_MAX + PLANNER_FIRST_OWN];
    program->path = read_string(payload, NULL);
    program->argv = read_list(payload);
    program->environment = read_list(payload);
    program->kept = kept;
    program->count = read_u32(payload);
    if (payload->bad || program->count > sizeof(kept) / sizeof(*kept))
        return false;
    for (size_t i = 0; i < program->count; i++) {
        kept[i] = read_u32(payload);
        if (kept[i] >= PLANNER_FIRST_OWN && !has_brought(brought, kept[i]))
            return false;
    }
    return reader_done(payload);
}

static void free_program(struct program *program)
{
    free(program->argv);
    free(program->environment);
}

static void close_brought(struct brought *brought)
{
    for (size_t i = 0; i < brought->count; i++)
        close(brought->fd[i]);
    brought->count = 0;
}

static int64_t reap(uint32_t pid)
{
    pid_t result;
    if (pid == 0 || pid > INT32_MAX)
        return -EINVAL;
    do
        result = waitpid((pid_t)pid, NULL, 0);
    while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

static int64_t reap_ended(void)
{
    for (;;) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        if (pid == 0)
            return 0;
        if (pid < 0 && errno != EINTR)
            return errno == ECHILD ? 1 : -errno;
    }
}

static void take(int socket, uint32_t number, int pidfd)
{
    int fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
    int64_t result = fd < 0 ? -errno : 0;
    close(pidfd);
    answer(socket, result, fd < 0 ? NULL : &fd);
    if (fd >= 0)
        close(fd);
}

/* False for what is no request. */
static bool run_program(int *socket, uint16_t code, struct reader *payload, struct brought *brought)
{
    struct program program = {0};
    bool good = read_program(payload, brought, &program);
    if (good) {
        int result = code == PLANNER_SPAWN ? program_start(&program, brought)
                                           : program_become(&program, brought, socket);
        close_brought(brought);
        answer(*socket, result, NULL);
    }
    free_program(&program);
    return good;
}

static bool serve_one(int *socket, const struct packet *packet, struct brought *brought)
{
    struct reader from = {packet->bytes, packet->bytes + packet->size, false};
    struct record record;
    if (!record_next(&from, &record) || from.at != from.end)
        return false;
    struct reader *payload = &record.payload;
    size_t expected = record.code == PLANNER_TAKE ? 1 : 0;
    if (record.code != PLANNER_DESCRIPTORS && packet->count != expected)
        return false;
    uint32_t number;
    switch (record.code) {
    case PLANNER_DESCRIPTORS:
        return add_brought(brought, payload, packet);
    case PLANNER_SPAWN:
    case PLANNER_BECOME:
        return run_program(socket, record.code, payload, brought);
    case PLANNER_REAP:
        number = read_u32(payload);
        if (reader_done(payload))
            answer(*socket, reap(number), NULL);
        return reader_done(payload);
    case PLANNER_REAP_ENDED:
        if (reader_done(payload))
            answer(*socket, reap_ended(), NULL);
        return reader_done(payload);
    case PLANNER_TAKE:
        number = read_u32(payload);
        if (reader_done(payload))
            take(*socket, number, packet->descriptors[0]);
        return reader_done(payload);
    case PLANNER_EXIT:
        number = read_u32(payload);
        if (reader_done(payload) && number <= 255)
            _exit((int)number);
        return false;
    default:
        return false;
    }
}

_Noreturn void planner_serve(int socket)
{
    static struct packet packet;
    static struct brought brought;
    for (;;) {
        if (!planner_receive(socket, &packet) || packet.size == 0)
            give_up("it has ended");
        if (!serve_one(&socket, &packet, &brought))
            give_up("it broke its protocol");
    }
}
