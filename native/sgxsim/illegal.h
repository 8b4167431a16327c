// SPDX-License-Identifier: Apache-2.0
/* Instructions that are legal outside an enclave, or fault there otherwise, and raise #UD inside
 * (SDM vol. 3D, "Illegal Instructions" of "Changes to Instruction Behavior Inside an Enclave"). */
#ifndef SGXSIM_ILLEGAL_H
#define SGXSIM_ILLEGAL_H

#include <stddef.h>
#include <stdint.h>

/* Whether the instruction at `bytes`, of which `size` can be read, is one that the processor
 * answers with #GP outside an enclave and with #UD inside. */
int is_illegal_inside(const uint8_t *bytes, size_t size);

#endif
