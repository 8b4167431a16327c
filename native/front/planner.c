// SPDX-License-Identifier: Apache-2.0
/* Asking a planner: until GO has been sent nothing has happened that a cold start would notice. */
#include "planner.h"

#include "../runelet/record.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Beyond what a worker takes to look at a caller; a cold start costs about as much. */
#define OFFER_PATIENCE_MS 20
#define OFFER_PATIENCE_MAX_MS 60000

static long patience_ms(void)
{
    const char *text = getenv("RUNE_PLANNER_PATIENCE");
    char *end;
    long ms = text == NULL ? 0 : strtol(text, &end, 10);
    return ms > 0 && ms <= OFFER_PATIENCE_MAX_MS && *end == 0 ? ms : OFFER_PATIENCE_MS;
}

static long now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* NULL where none is wanted, or the place has a name that is none. */
static const char *socket_path(char *room, size_t size)
{
    const char *chosen = getenv("RUNE_PLANNER");
    if (chosen != NULL)
        return chosen[0] == '/' && strlen(chosen) < size ? chosen : NULL;
    if (geteuid() == 0)
        return "/run/inclavare/planner.sock";
    const char *directory = getenv("XDG_RUNTIME_DIR");
    if (directory == NULL || directory[0] != '/')
        return NULL;
    int n = snprintf(room, size, "%s/inclavare/planner.sock", directory);
    return n > 0 && (size_t)n < size ? room : NULL;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path); /* socket_path has seen to its length */
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    struct ucred peer;
    socklen_t size = sizeof(peer);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid() &&
        fcntl(fd, F_SETFL, 0) == 0)
        return fd;
    close(fd);
    return -1;
}

static void write_all(struct writer *w, char **strings)
{
    uint32_t count = 0;
    while (strings[count] != NULL)
        count++;
    write_u32(w, count);
    for (uint32_t i = 0; i < count; i++)
        write_string(w, strings[i]);
}

/* Entries with their NULs, behind their size. */
static void write_environment(struct writer *w, char **environment)
{
    static char text[PLANNER_PACKET_MAX];
    size_t used = 0;
    for (; *environment != NULL; environment++) {
        size_t length = strlen(*environment) + 1;
        if (sizeof(text) - used < length) {
            w->bad = true;
            return;
        }
        memcpy(text + used, *environment, length);
        used += length;
    }
    write_bytes(w, text, (uint32_t)used);
}

/* Whether the words or variables may mean one of the descriptors from PLANNER_FIRST_OWN on. */
static bool names_descriptors(const struct caller *caller)
{
    for (char **word = caller->argv; *word != NULL; word++) {
        if (strstr(*word, "/fd/") != NULL || strstr(*word, "preserve-fds") != NULL)
            return true;
    }
    return getenv("LISTEN_FDS") != NULL;
}

/* The descriptors that the worker has numbers for; false where it would miss one of the others. */
static bool write_descriptors(struct writer *w, const struct caller *caller, int *sent,
                              size_t *count)
{
    bool left_out = false;
    uint32_t low = 0;
    for (size_t i = 0; i < caller->count; i++) {
        if (caller->descriptors[i] < PLANNER_FIRST_OWN)
            low++;
        else
            left_out = true;
    }
    if (left_out && names_descriptors(caller))
        return false;
    write_u32(w, low);
    for (size_t i = 0; i < caller->count; i++) {
        if (caller->descriptors[i] >= PLANNER_FIRST_OWN)
            continue;
        write_u32(w, (uint32_t)caller->descriptors[i]);
        sent[(*count)++] = caller->descriptors[i];
    }
    return true;
}

/* False for a caller that is too large, or whose descriptors the worker has no numbers for. */
static bool say_hello(int socket, const struct caller *caller)
{
    static uint8_t buffer[PLANNER_PACKET_MAX];
    int descriptors[1 + PLANNER_FIRST_OWN] = {-1, 0, 1, 2};
    size_t count = 4;
    struct stat engine;
    struct writer w;
    if (stat(caller->engine, &engine) < 0)
        return false;
    write_begin(&w, buffer, sizeof(buffer), PLANNER_HELLO, 0);
    write_u32(&w, PLANNER_VERSION);
    write_u64(&w, engine.st_dev);
    write_u64(&w, engine.st_ino);
    write_all(&w, caller->argv);
    write_environment(&w, caller->environment);
    if (!write_descriptors(&w, caller, descriptors, &count))
        return false;
    size_t size = write_end(&w);
    if (size == 0 || (descriptors[0] = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
        return false;
    bool sent = planner_send(socket, buffer, size, descriptors, count);
    close(descriptors[0]);
    return sent;
}

/* The nonce of an OFFER that comes in time. */
static bool await_offer(int socket, long deadline, uint64_t *nonce)
{
    static struct packet packet;
    struct pollfd wait = {.fd = socket, .events = POLLIN};
    int ready;
    do {
        long left = deadline - now_ms();
        ready = poll(&wait, 1, left > 0 ? (int)left : 0);
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0 || !planner_receive(socket, &packet))
        return false;
    for (size_t i = 0; i < packet.count; i++)
        close(packet.descriptors[i]);
    struct reader from = {packet.bytes, packet.bytes + packet.size, packet.count > 0};
    struct record record;
    if (!record_next(&from, &record) || record.code != PLANNER_OFFER)
        return false;
    *nonce = read_u64(&record.payload);
    return reader_done(&record.payload) && from.at == from.end;
}

static bool say_go(int socket, uint64_t nonce)
{
    uint8_t buffer[64];
    struct writer w;
    write_begin(&w, buffer, sizeof(buffer), PLANNER_GO, 0);
    write_u64(&w, nonce);
    size_t size = write_end(&w);
    return size > 0 && planner_send(socket, buffer, size, NULL, 0);
}

void planner_ask(const struct caller *caller)
{
    char room[sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct stat found;
    const char *path = socket_path(room, sizeof(room));
    if (path == NULL || stat(path, &found) < 0)
        return;
    long deadline = now_ms() + patience_ms();
    int socket = connect_to(path);
    if (socket < 0)
        return;
    uint64_t nonce;
    if (say_hello(socket, caller) && await_offer(socket, deadline, &nonce) && say_go(socket, nonce))
        planner_serve(socket);
    close(socket);
}
