// SPDX-License-Identifier: Apache-2.0
#include "pal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>

bool pal_can_kill(const struct pal *pal)
{
    return pal->version >= 2 && pal->symbols.kill != NULL;
}

enum pal_state pal_state(struct pal *pal)
{
    pthread_mutex_lock(&pal->lock);
    enum pal_state state = pal->state;
    pthread_mutex_unlock(&pal->lock);
    return state;
}

void pal_set_state(struct pal *pal, enum pal_state state)
{
    pthread_mutex_lock(&pal->lock);
    if (pal->state < state)
        pal->state = state;
    pthread_cond_broadcast(&pal->changed);
    pthread_mutex_unlock(&pal->lock);
}

void pal_on_warning(struct pal *pal, pal_warn_fn *warn, void *context)
{
    pal->warn = warn;
    pal->warn_context = context;
}

void pal_warn(struct pal *pal, const char *format, ...)
{
    if (pal->warn == NULL)
        return;
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    pal->warn(pal->warn_context, text);
}

void pal_warn_failure(struct pal *pal, const struct failure *why)
{
    pal_warn(pal, "%s: %s", why->doing, why->reason);
}

int pal_harden(struct failure *why)
{
    if (prctl(PR_SET_NAME, "init-runelet") < 0)
        return fail_errno(why, errno, "name the process");
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        return fail_errno(why, errno, "make the process non-dumpable");
    return 0;
}

int pal_thread(pthread_t *thread, void *(*run)(void *), void *context)
{
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error != 0)
        return error;
    error = pthread_attr_setstacksize(&attributes, PAL_STACK_BYTES);
    if (error == 0)
        error = pthread_create(thread, &attributes, run, context);
    pthread_attr_destroy(&attributes);
    return error;
}

struct timespec pal_deadline(long ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec += 1;
        at.tv_nsec -= 1000000000;
    }
    return at;
}
