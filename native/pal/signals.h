// SPDX-License-Identifier: Apache-2.0
/* Which signals init-runelet passes on: docs/protocol/pal-api.md, "Signals". */
#ifndef PAL_SIGNALS_H
#define PAL_SIGNALS_H

#include <stdbool.h>

#define SIGNAL_COUNT 65 /* 1 to 64, index 0 unused */

/* True for a signal that is caught and means the payload. */
bool signal_is_forwarded(int number);

/* True for a forwarded signal whose default action is to end a process. */
bool signal_is_fatal(int number);

#endif
