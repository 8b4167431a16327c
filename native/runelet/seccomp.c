// SPDX-License-Identifier: Apache-2.0
/* The seccomp filter, and its listener on the way to an agent. */
#include "channel.h"
#include "operations.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SECCOMP_SET_MODE_FILTER_ 1
#define SECCOMP_FILTER_FLAG_NEW_LISTENER_ (1u << 3)

/* The listener where `added` asks for one, else 0; -1 on failure. */
static int install(struct reader *payload, uint32_t added, struct failure *f)
{
    uint32_t flags = read_u32(payload), size;
    const uint8_t *filter = read_bytes(payload, &size);
    if (payload_done(payload, f) < 0)
        return -1;
    if (size == 0 || size % 8 != 0 || size / 8 > 65535)
        return fail_code(f, FAILURE_PLAN, "malformed filter", "install the seccomp filter");
    struct {
        uint16_t count;
        const void *filter;
    } program = {(uint16_t)(size / 8), filter};
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER_, flags | added, &program);
    return result < 0 ? fail_errno(f, errno, "install the seccomp filter") : (int)result;
}

int op_seccomp(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    return install(payload, 0, f);
}

int op_seccomp_notify(struct run *run, struct reader *payload, struct failure *f)
{
    int listener = install(payload, SECCOMP_FILTER_FLAG_NEW_LISTENER_, f);
    if (listener < 0)
        return -1;
    /* From here on whatever the filter notifies of waits for the agent: write(2) must not be. */
    if (channel_send_listener(run, listener, f) < 0 || channel_wait(run, CHANNEL_RESUME, f) < 0)
        return -1;
    close(listener);
    return 0;
}
