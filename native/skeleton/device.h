// SPDX-License-Identifier: Apache-2.0
#ifndef SKELETON_DEVICE_H
#define SKELETON_DEVICE_H

/*
 * Opens the in-tree driver's device, close-on-exec: /dev/sgx_enclave, or /dev/sgx/enclave, which
 * is udev's name for it and that of the DCAP driver with the same interface. Returns the
 * descriptor, or a negated errno number, logged.
 */
int device_open(void);

#endif
