// SPDX-License-Identifier: Apache-2.0
#ifndef SGXSIM_DRIVER_H
#define SGXSIM_DRIVER_H

/* Whether the kernel drives real SGX hardware: ENCLU would then execute instead of trapping. */
int driver_present(void);

/* Whether there is a file /dev/sgx_enclave, whatever stands behind it. */
int node_present(void);

#endif
