// SPDX-License-Identifier: Apache-2.0
/* Frames on a socket: whole, cut, too long, with descriptors, and random ones. */
#include "../agent_frame.h"
#include "fake_pal.h"
#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FUZZ_ROUNDS 20000

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;

/* Sends the bytes, closes, receives one frame. Descriptors that were kept are closed again. */
static enum frame_result receive(const void *bytes, size_t size, const int *fds, int fd_count,
                                 bool take_fds, struct agent_frame *frame)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        abort();
    if (size > 0 && frame_send(pair[0], bytes, size, fds, fd_count) < 0)
        abort();
    close(pair[0]);
    enum frame_result result = frame_receive(pair[1], 4096, 0, take_fds ? &guard : NULL, frame);
    close(pair[1]);
    return result;
}

static size_t sample(uint8_t *buffer, size_t size)
{
    struct writer w;
    write_begin(&w, buffer, size, AGENT_KILL, 0);
    write_u32(&w, 7);
    write_string(&w, "x");
    return write_end(&w);
}

static void test_whole_and_cut(void)
{
    uint8_t bytes[64];
    struct agent_frame frame;
    size_t size = sample(bytes, sizeof(bytes));
    ok(receive(bytes, size, NULL, 0, true, &frame) == FRAME_OK && frame.code == AGENT_KILL &&
           read_u32(&frame.payload) == 7 && strcmp(read_string(&frame.payload, NULL), "x") == 0 &&
           reader_done(&frame.payload),
       "a whole frame is received");
    frame_free(&frame);
    ok(receive(bytes, 0, NULL, 0, true, &frame) == FRAME_END, "nothing is an end, not a loss");
    bool lost = true;
    for (size_t cut = 1; cut < size; cut++)
        lost = lost && receive(bytes, cut, NULL, 0, true, &frame) == FRAME_LOST;
    ok(lost, "a frame cut at any of %zu bytes is lost", size);
    bytes[size - 1] = 1;
    ok(receive(bytes, size, NULL, 0, true, &frame) == FRAME_MALFORMED,
       "padding other than zero is malformed");
}

static void test_sizes(void)
{
    uint8_t bytes[8 + 4104] = {0};
    struct agent_frame frame;
    uint32_t size = 4096;
    memcpy(bytes + 4, &size, 4);
    ok(receive(bytes, 8 + 4096, NULL, 0, true, &frame) == FRAME_OK, "the longest frame");
    frame_free(&frame);
    size = 4097;
    memcpy(bytes + 4, &size, 4);
    ok(receive(bytes, sizeof(bytes), NULL, 0, true, &frame) == FRAME_MALFORMED, "one byte more");
    size = UINT32_MAX;
    memcpy(bytes + 4, &size, 4);
    ok(receive(bytes, sizeof(bytes), NULL, 0, true, &frame) == FRAME_MALFORMED,
       "4 GiB less one are refused before memory is asked for");
}

static void test_descriptors(void)
{
    uint8_t bytes[64];
    struct agent_frame frame;
    size_t size = sample(bytes, sizeof(bytes));
    const int fds[3] = {0, 1, 2};
    int before = count_fds();
    ok(receive(bytes, size, fds, 3, true, &frame) == FRAME_OK && frame.fd_count == 3 &&
           (fcntl(frame.fds[2], F_GETFD) & FD_CLOEXEC) != 0,
       "three descriptors come close-on-exec");
    frame_free(&frame);
    ok(receive(bytes, size, fds, 1, false, &frame) == FRAME_MALFORMED,
       "who wants no descriptors and gets one calls the frame malformed");
    ok(receive(bytes, 8, fds, 3, true, &frame) == FRAME_LOST, "descriptors with a cut frame");
    ok(count_fds() == before, "no descriptor stays");
}

/* More descriptors than the control buffer is meant for: some fit into its alignment. */
static void test_too_many_descriptors(void)
{
    for (int count = 4; count <= 8; count++) {
        int pair[2], before = count_fds();
        union {
            struct cmsghdr header;
            char room[CMSG_SPACE(8 * sizeof(int))];
        } control = {0};
        char bytes[8] = {0};
        struct iovec data = {bytes, sizeof(bytes)};
        struct msghdr message = {.msg_iov = &data,
                                 .msg_iovlen = 1,
                                 .msg_control = control.room,
                                 .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int))};
        control.header =
            (struct cmsghdr){CMSG_LEN((size_t)count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || sendmsg(pair[0], &message, 0) < 0)
            abort();
        struct agent_frame frame;
        bool refused = frame_receive(pair[1], 4096, 0, &guard, &frame) == FRAME_MALFORMED;
        close(pair[0]);
        close(pair[1]);
        ok(refused && count_fds() == before, "%d descriptors are malformed and closed", count);
    }
}

static void test_silence(void)
{
    int pair[2];
    struct agent_frame frame;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        abort();
    ok(frame_receive(pair[0], 4096, 20, &guard, &frame) == FRAME_SILENT, "silence has an end");
    close(pair[0]);
    char byte = 0;
    ok(frame_send(pair[1], &byte, 1, NULL, 0) < 0, "sending to nobody fails without SIGPIPE");
    close(pair[1]);
}

static uint32_t random_state = 12345;

static uint32_t next_random(void)
{
    /* Marsaglia's xorshift32: the same run every time. */
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    return random_state ^= random_state << 5;
}

/* Reads whatever is there with every reader; the sanitizers are the judge. */
static void read_all(struct reader payload)
{
    struct reader r = payload;
    while (!r.bad && r.at < r.end) {
        uint32_t size;
        char **list;
        switch (next_random() % 5) {
        case 0:
            read_u32(&r);
            break;
        case 1:
            read_u64(&r);
            break;
        case 2:
            if (strlen(read_string(&r, &size)) != size)
                abort();
            break;
        case 3:
            read_bytes(&r, &size);
            break;
        default:
            list = read_list(&r);
            for (char **at = list; at != NULL && *at != NULL; at++)
                if (strlen(*at) > 4096)
                    abort();
            free(list);
        }
    }
}

static void fuzz(void)
{
    int kept = 0, refused = 0, pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        abort();
    for (int round = 0; round < FUZZ_ROUNDS; round++) {
        uint8_t bytes[8 + 256];
        uint32_t size = next_random() % 249;
        size_t padded = 8 + ((size + 7u) & ~7u);
        for (size_t i = 0; i < padded; i++)
            bytes[i] = next_random() % 3 == 0 ? (uint8_t)next_random() : (uint8_t)(i % 4 == 0);
        memcpy(bytes + 4, &size, 4);
        memset(bytes + 8 + size, 0, padded - 8 - size);
        if (next_random() % 8 == 0 && padded > 8 + size)
            bytes[8 + size] = 1;
        struct agent_frame frame;
        if (frame_send(pair[0], bytes, padded, NULL, 0) < 0)
            abort();
        if (frame_receive(pair[1], 4096, 0, &guard, &frame) == FRAME_OK) {
            read_all(frame.payload);
            frame_free(&frame);
            kept++;
        } else {
            refused++;
        }
    }
    close(pair[0]);
    close(pair[1]);
    ok(kept > 0 && refused > 0, "%d random frames: %d parsed, %d refused", FUZZ_ROUNDS, kept,
       refused);
}

int main(void)
{
    test_whole_and_cut();
    test_sizes();
    test_descriptors();
    test_too_many_descriptors();
    test_silence();
    fuzz();
    return tap_done();
}
