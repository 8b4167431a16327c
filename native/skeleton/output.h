// SPDX-License-Identifier: Apache-2.0
/* Writing and logging without stdio, whose streams the PAL's caller owns. */
#ifndef SKELETON_OUTPUT_H
#define SKELETON_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_OFF, LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* From a level name of the PAL API; unknown ones mean info. NULL does too. */
void output_set_level(const char *name);

/* Raises the level to debug, for the argument `debug`. */
void output_set_debug(void);

/* One line on standard error: "skeleton: ...". Keeps errno. */
__attribute__((format(printf, 2, 3))) void output_log(enum log_level level, const char *format,
                                                      ...);

/* Logs 32 bytes in hexadecimal behind a label. */
void output_log_hash(enum log_level level, const char *label, const uint8_t hash[32]);

/* Writes everything, or gives up silently: there is nobody to tell. Raises no SIGPIPE. */
void output_write(int fd, const char *text, size_t size);

#endif
