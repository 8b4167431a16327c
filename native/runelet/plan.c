// SPDX-License-Identifier: Apache-2.0
#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_SIZE 24

static int refuse(struct failure *f, const char *reason)
{
    return fail_code(f, FAILURE_PLAN, reason, "read the launch plan");
}

static uint8_t *read_whole(int fd, size_t *size, struct failure *f)
{
    struct stat st;
    if (fstat(fd, &st) < 0) {
        fail_errno(f, errno, "stat the launch plan");
        return NULL;
    }
    if (st.st_size < HEADER_SIZE || st.st_size > PLAN_MAX) {
        refuse(f, "size out of range");
        return NULL;
    }
    *size = (size_t)st.st_size;
    uint8_t *bytes = malloc(*size);
    if (bytes == NULL) {
        fail_errno(f, ENOMEM, "read the launch plan");
        return NULL;
    }
    for (size_t done = 0; done < *size;) {
        ssize_t n = pread(fd, bytes + done, *size - done, (off_t)done);
        if (n <= 0) {
            free(bytes);
            fail_errno(f, n < 0 ? errno : EIO, "read the launch plan");
            return NULL;
        }
        done += (size_t)n;
    }
    return bytes;
}

/* Walks all records, so that a plan is refused before its first operation runs. */
static int check_records(struct reader records, uint32_t count, struct failure *f)
{
    struct record record;
    uint32_t seen = 0;
    while (record_next(&records, &record)) {
        if (operation_of(record.code) == NULL)
            return refuse(f, "unknown operation");
        seen++;
    }
    if (records.bad)
        return refuse(f, "a record does not fit");
    if (seen != count)
        return refuse(f, "wrong number of records");
    return 0;
}

int plan_open(struct run *run, int fd, struct failure *f)
{
    size_t size = 0;
    uint8_t *bytes = read_whole(fd, &size, f);
    if (bytes == NULL)
        return -1;
    run->plan = bytes;
    run->plan_size = size;
    run->plan_fd = fd;
    struct reader r = {bytes + 8, bytes + size, false};
    uint32_t version = read_u32(&r), total = read_u32(&r), count = read_u32(&r), fds = read_u32(&r);
    if (memcmp(bytes, "RUNEPLAN", 8) != 0)
        return refuse(f, "not a launch plan");
    if (version != PLAN_VERSION)
        return refuse(f, "unknown version");
    if (total != size || fds > PLAN_SLOTS)
        return refuse(f, "wrong header");
    for (uint32_t i = 0; i < PLAN_SLOTS; i++)
        run->slots[i] = -1;
    for (uint32_t i = 0; i < fds; i++)
        run->slots[i] = (int)read_u32(&r);
    if ((fds & 1) != 0)
        read_u32(&r);
    if (r.bad)
        return refuse(f, "wrong header");
    run->next = r;
    return check_records(r, count, f);
}

int plan_run(struct run *run, struct failure *f)
{
    struct record record;
    while (record_next(&run->next, &record)) {
        operation *run_operation = operation_of(record.code);
        if (run_operation(run, &record.payload, f) < 0)
            return -1;
        run->index++;
    }
    return refuse(f, "the plan has no end");
}

int slot_fd(struct run *run, uint32_t slot, struct failure *f)
{
    if (slot >= PLAN_SLOTS || run->slots[slot] < 0)
        return refuse(f, "empty slot");
    return run->slots[slot];
}

int slot_fill(struct run *run, uint32_t slot, int fd, struct failure *f)
{
    if (slot < PLAN_SLOTS && run->slots[slot] < 0) {
        run->slots[slot] = fd;
        return 0;
    }
    close(fd);
    return refuse(f, "slot out of range or in use");
}

int payload_done(const struct reader *payload, struct failure *f)
{
    return reader_done(payload) ? 0 : refuse(f, "malformed arguments");
}
