// SPDX-License-Identifier: Apache-2.0
#ifndef SKELETON_LAUNCH_H
#define SKELETON_LAUNCH_H

#include <stdbool.h>

#include "enclave.h"

/*
 * Starts the enclave of encl.bin and encl.ss in the working directory: ECREATE, EADD, EINIT, and
 * the mappings. 0 or a negated errno number, logged with the reason; nothing is left then.
 */
int enclave_launch(bool debug, struct enclave *enclave);

#endif
