// SPDX-License-Identifier: Apache-2.0
#include "output.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What a line starts with; other PALs that build this file have their own. */
#ifndef OUTPUT_NAME
#define OUTPUT_NAME "skeleton"
#endif

static enum log_level level_shown = LOG_INFO;

void output_set_level(const char *name)
{
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {
        {"trace", LOG_DEBUG}, {"debug", LOG_DEBUG}, {"info", LOG_INFO},   {"warning", LOG_WARNING},
        {"error", LOG_ERROR}, {"fatal", LOG_ERROR}, {"panic", LOG_ERROR}, {"off", LOG_OFF},
    };
    level_shown = LOG_INFO;
    for (size_t i = 0; name != NULL && i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(name, levels[i].name) == 0)
            level_shown = levels[i].level;
    }
}

void output_set_debug(void)
{
    level_shown = LOG_DEBUG;
}

void output_log(enum log_level level, const char *format, ...)
{
    if (level > level_shown)
        return;
    int saved = errno;
    char line[512] = OUTPUT_NAME ": ";
    size_t start = strlen(line);
    size_t room = sizeof(line) - start - 1;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line + start, room, format, arguments);
    va_end(arguments);
    if (length > 0) {
        size_t end = start + ((size_t)length < room ? (size_t)length : room - 1);
        line[end++] = '\n';
        output_write(STDERR_FILENO, line, end);
    }
    errno = saved;
}

void output_log_hash(enum log_level level, const char *label, const uint8_t hash[32])
{
    char hex[65] = "";
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    output_log(level, "%s %s", label, hex);
}

void output_write(int fd, const char *text, size_t size)
{
    sigset_t pipe_only, before, pending;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigpending(&pending);
    bool was_pending = sigismember(&pending, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    while (size > 0) {
        ssize_t written = write(fd, text, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break;
        text += written;
        size -= (size_t)written;
    }
    /* Our own SIGPIPE is taken back; one that somebody else sent stays. */
    if (!was_pending)
        sigtimedwait(&pipe_only, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
