// SPDX-License-Identifier: Apache-2.0
/* poll_oneoff. */
#include "descriptors.h"
#include "heap.h"
#include "host.h"
#include "memory.h"
#include "plain_memory.h"
#include "wasi/clock.h"
#include "wasi/wasi.h"

enum { SUBSCRIPTION_SIZE = 48, EVENT_SIZE = 32, SUBSCRIPTIONS_MAX = 4096 };
enum { EVENT_CLOCK, EVENT_READ, EVENT_WRITE };
enum { CLOCK_IS_ABSOLUTE = 1, EVENT_HANGUP = 1 };
#define FOREVER UINT64_MAX

struct subscription {
    u64 user_data;
    uint8_t type;
    u32 fd;         /* or the clock's id */
    u64 timeout_ns; /* of a clock, from now */
    u32 error;      /* known without waiting */
    int32_t poll;   /* its index in what the host polls; -1: it is ready, or a clock */
};

struct waiting {
    struct subscription *subscriptions;
    struct host_poll *polls;
    u32 count, poll_count, ready;
    u64 timeout_ns;
};

static u32 read_subscription(const uint8_t *bytes, struct waiting *all, struct subscription *one);
static u32 wait(struct waiting *all);
static u32 put_events(const struct waiting *all, u32 out, bool timed_out);

u32 WASI(poll_oneoff)(void *instance, u32 in, u32 out, u32 nsubscriptions, u32 nevents)
{
    (void)instance;
    if (nsubscriptions == 0 || nsubscriptions > SUBSCRIPTIONS_MAX)
        return WASI_EINVAL;
    if (guest(in, (u64)nsubscriptions * SUBSCRIPTION_SIZE) == NULL ||
        guest(out, (u64)nsubscriptions * EVENT_SIZE) == NULL || guest(nevents, 4) == NULL)
        return WASI_EFAULT;
    struct waiting all = {.timeout_ns = FOREVER};
    all.subscriptions = heap_allocate(nsubscriptions * sizeof(struct subscription));
    all.polls = heap_allocate(nsubscriptions * sizeof(struct host_poll));
    u32 error = all.subscriptions == NULL || all.polls == NULL ? WASI_ENOMEM : WASI_SUCCESS;
    for (u32 i = 0; i < nsubscriptions && error == WASI_SUCCESS; i++) {
        all.count = i + 1;
        error = read_subscription(guest(in + i * SUBSCRIPTION_SIZE, SUBSCRIPTION_SIZE), &all,
                                  &all.subscriptions[i]);
    }
    if (error == WASI_SUCCESS) {
        error = wait(&all);
        if (error == WASI_SUCCESS)
            guest_put32(nevents, put_events(&all, out, all.ready == 0));
    }
    heap_free(all.subscriptions);
    heap_free(all.polls);
    return error;
}

static u32 read_subscription(const uint8_t *bytes, struct waiting *all, struct subscription *one)
{
    uint16_t clock_flags;
    *one = (struct subscription){.type = bytes[8], .poll = -1};
    memcpy(&one->user_data, bytes, 8);
    memcpy(&one->fd, bytes + 16, 4);
    if (one->type == EVENT_CLOCK) {
        memcpy(&one->timeout_ns, bytes + 24, 8);
        memcpy(&clock_flags, bytes + 40, 2);
        if (one->fd > CLOCK_MONOTONIC)
            return WASI_ENOTSUP;
        if (clock_flags & CLOCK_IS_ABSOLUTE) {
            int64_t now = clock_now(one->fd);
            if (now < 0)
                return wasi_errno(now);
            one->timeout_ns = one->timeout_ns > (u64)now ? one->timeout_ns - (u64)now : 0;
        }
        if (one->timeout_ns < all->timeout_ns)
            all->timeout_ns = one->timeout_ns;
        return WASI_SUCCESS;
    }
    if (one->type > EVENT_WRITE)
        return WASI_EINVAL;
    struct descriptor *descriptor = descriptor_get(one->fd, RIGHT_POLL_FD_READWRITE, &one->error);
    if (descriptor == NULL || descriptor->kind != DESCRIPTOR_HOST) {
        all->ready++; /* an error is an event, and a tree's file never waits */
        return WASI_SUCCESS;
    }
    one->poll = (int32_t)all->poll_count;
    all->polls[all->poll_count++] =
        (struct host_poll){.fd = descriptor->host,
                           .events = one->type == EVENT_READ ? HOST_POLL_READ : HOST_POLL_WRITE};
    return WASI_SUCCESS;
}

static u32 wait(struct waiting *all)
{
    size_t size = all->poll_count * sizeof(struct host_poll);
    u64 timeout = all->ready > 0 ? 0 : all->timeout_ns;
    host_put(0, all->polls, size);
    int64_t result =
        host_call(HOST_POLL, all->poll_count, timeout > INT64_MAX ? (u64)INT64_MAX : timeout,
                  timeout == FOREVER, 0, all->poll_count);
    if (result < 0)
        return wasi_errno(result);
    for (u32 i = 0; i < all->poll_count; i++) {
        struct host_poll answer;
        host_get(&answer, i * sizeof(answer), sizeof(answer));
        all->polls[i].revents =
            answer.revents & (all->polls[i].events | HOST_POLL_ERROR | HOST_POLL_HANGUP);
        all->ready += all->polls[i].revents != 0;
    }
    return WASI_SUCCESS;
}

static u32 put_events(const struct waiting *all, u32 out, bool timed_out)
{
    u32 count = 0;
    for (u32 i = 0; i < all->count; i++) {
        const struct subscription *one = &all->subscriptions[i];
        uint16_t revents = one->poll < 0 ? 0 : all->polls[one->poll].revents;
        bool clock_rings =
            one->type == EVENT_CLOCK &&
            (one->timeout_ns == 0 || (timed_out && one->timeout_ns == all->timeout_ns));
        bool happened = one->type == EVENT_CLOCK ? clock_rings : one->poll < 0 || revents != 0;
        if (!happened)
            continue;
        uint8_t *event = guest(out + count++ * EVENT_SIZE, EVENT_SIZE);
        const uint16_t error = (uint16_t)one->error;
        const u64 bytes = one->type != EVENT_CLOCK && one->error == 0;
        memset(event, 0, EVENT_SIZE);
        memcpy(event, &one->user_data, 8);
        memcpy(event + 8, &error, 2);
        event[10] = one->type;
        memcpy(event + 16, &bytes, 8);
        event[24] = (revents & HOST_POLL_HANGUP) ? EVENT_HANGUP : 0;
    }
    return count;
}
