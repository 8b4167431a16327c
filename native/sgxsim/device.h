// SPDX-License-Identifier: Apache-2.0
/* The driver: opening its devices and their ioctls. Returns 0 when the call is about something
 * else and is to be made as it is; else 1 and the result. */
#ifndef SGXSIM_DEVICE_H
#define SGXSIM_DEVICE_H

#include "base.h"

int device_open(int directory, uint64_t path_user, int flags, long *result);
int device_open2(int directory, uint64_t path_user, uint64_t how_user, long *result);
/* `blocked` is the program's signal mask. */
int device_ioctl(int fd, uint32_t request, uint64_t argument, uint64_t blocked, long *result);

#endif
