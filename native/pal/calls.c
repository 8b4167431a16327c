// SPDX-License-Identifier: Apache-2.0
/*
 * One function per PAL call. A PAL is other people's code: what it returns is checked before
 * anybody relies on it, and what it writes goes to memory with room around it.
 */
#include "pal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ERRNO_LAST 4095 /* MAX_ERRNO of the kernel, include/linux/err.h */

/* An int that a PAL fills in, with room for one that takes it for a long. */
union result {
    int value;
    uint64_t room[4];
};

/*
 * To be called after every return from PAL code. A PAL that forked without exec comes back here
 * twice; the copy must not go on as if it were the container's first process.
 */
static void end_copies(const struct pal *pal)
{
    if (getpid() != pal->owner)
        _exit(0);
}

static int fail_call(struct pal *pal, int result, int error, const char *call, struct failure *why)
{
    char reason[64];
    if (result < -ERRNO_LAST) {
        snprintf(reason, sizeof(reason), "returned %d, which is no error number", result);
        return fail_code(why, FAILURE_PAL, reason, "%s of `%s`", call, pal->name);
    }
    int number = result == -1 && error != 0 ? error : -result;
    fail_code(why, FAILURE_PAL, strerror(number), "%s of `%s`", call, pal->name);
    why->errno_value = number;
    return -1;
}

int call_get_version(struct pal *pal, int *version, struct failure *why)
{
    if (pal->symbols.get_version == NULL) {
        *version = 1;
        return 0;
    }
    int result = pal->symbols.get_version();
    end_copies(pal);
    if (result < 1 || result > 3) {
        char reason[96];
        snprintf(reason, sizeof(reason), "version %d is none of those understood, 1 to 3", result);
        return fail_code(why, FAILURE_PAL_ABI, reason, "pal_get_version of `%s`", pal->name);
    }
    *version = result;
    return 0;
}

int call_init(struct pal *pal, const char *args, const char *log_level, struct failure *why)
{
    /* Versions 1 and 2 look at the first 16 bytes only. */
    pal_attr_v3_t attr = {{args, log_level}, -1, 0};
    errno = 0;
    int result = pal->symbols.init(&attr);
    int error = errno;
    end_copies(pal);
    return result >= 0 ? 0 : fail_call(pal, result, error, "pal_init", why);
}

int call_create_process(struct pal *pal, const char *path, const struct launch *launch, int *pid,
                        struct failure *why)
{
    union result out = {0};
    pal_stdio_fds stdio = launch->stdio;
    pal_create_process_args args = {
        .path = path,
        .argv = (const char **)launch->argv,
        .env = (const char **)launch->environment,
        .stdio = &stdio,
        .pid = &out.value,
    };
    errno = 0;
    int result = pal->symbols.create_process(&args);
    int error = errno;
    end_copies(pal);
    if (result < 0)
        return fail_call(pal, result, error, "pal_create_process", why);
    *pid = out.value;
    return 0;
}

int call_exec(struct pal *pal, const char *path, const struct launch *launch, int pid,
              int *exit_value, struct failure *why)
{
    union result out = {0};
    pal_stdio_fds stdio = launch->stdio;
    pal_exec_args args = {.pid = pid, .exit_value = &out.value};
    errno = 0;
    int result = pal->version == 1 ? pal->symbols.exec.v1(path, launch->argv, &stdio, &out.value)
                                   : pal->symbols.exec.v2(&args);
    int error = errno;
    end_copies(pal);
    if (result < 0)
        return fail_call(pal, result, error, "pal_exec", why);
    *exit_value = out.value;
    return 0;
}

int call_kill(struct pal *pal, int pid, int number, struct failure *why)
{
    if (!pal_can_kill(pal)) {
        fail_code(why, FAILURE_PAL, strerror(ENOSYS), "pal_kill of `%s`", pal->name);
        why->errno_value = ENOSYS;
        return -1;
    }
    errno = 0;
    int result = pal->symbols.kill(pid, number);
    int error = errno;
    end_copies(pal);
    return result >= 0 ? 0 : fail_call(pal, result, error, "pal_kill", why);
}

int call_destroy(struct pal *pal, struct failure *why)
{
    if (atomic_exchange(&pal->destroyed, true))
        return 0;
    errno = 0;
    int result = pal->symbols.destroy();
    int error = errno;
    end_copies(pal);
    return result >= 0 ? 0 : fail_call(pal, result, error, "pal_destroy", why);
}

/* Room behind the REPORT: a PAL that believes in another length shall not hit the heap. */
#define REPORT_ROOM 16384
#define REPORT_CANARY 0xa5

static bool wrote_beyond(const uint8_t *buffer)
{
    for (size_t i = PAL_REPORT_SIZE; i < REPORT_ROOM; i++)
        if (buffer[i] != REPORT_CANARY)
            return true;
    return false;
}

static int check_report(struct pal *pal, const uint8_t *buffer, int result, int error, int size,
                        const char *call, struct failure *why)
{
    if (result < 0)
        return fail_call(pal, result, error, call, why);
    char reason[96] = "";
    if (result > 0)
        snprintf(reason, sizeof(reason), "returned %d, where only 0 is success", result);
    else if (size != PAL_REPORT_SIZE)
        snprintf(reason, sizeof(reason), "gave %d bytes, a REPORT has %d", size, PAL_REPORT_SIZE);
    else if (wrote_beyond(buffer))
        snprintf(reason, sizeof(reason), "wrote beyond the %d bytes of the buffer",
                 PAL_REPORT_SIZE);
    if (reason[0] != 0)
        return fail_code(why, FAILURE_PAL, reason, "%s of `%s`", call, pal->name);
    return 0;
}

int call_report(struct pal *pal, const uint8_t *target, const uint8_t *data, uint8_t *report,
                struct failure *why)
{
    uint8_t targetinfo[PAL_TARGETINFO_SIZE];
    uint8_t report_data[PAL_REPORT_DATA_SIZE];
    memcpy(targetinfo, target, sizeof(targetinfo));
    uint8_t *buffer = malloc(REPORT_ROOM);
    if (buffer == NULL)
        return fail_errno(why, ENOMEM, "get a report of `%s`", pal->name);
    memset(buffer, 0, PAL_REPORT_SIZE);
    memset(buffer + PAL_REPORT_SIZE, REPORT_CANARY, REPORT_ROOM - PAL_REPORT_SIZE);

    union result size = {.value = PAL_REPORT_SIZE};
    const char *call = data == NULL ? "pal_get_local_report" : "pal_get_report_with_data";
    int result;
    errno = 0;
    if (data == NULL) {
        result = pal->symbols.get_local_report(targetinfo, sizeof(targetinfo), buffer, &size.value);
    } else {
        memcpy(report_data, data, sizeof(report_data));
        result = pal->symbols.get_report_with_data(targetinfo, sizeof(targetinfo), report_data,
                                                   sizeof(report_data), buffer, &size.value);
    }
    int error = errno;
    end_copies(pal);
    int checked = check_report(pal, buffer, result, error, size.value, call, why);
    if (checked == 0)
        memcpy(report, buffer, PAL_REPORT_SIZE);
    free(buffer);
    return checked;
}
