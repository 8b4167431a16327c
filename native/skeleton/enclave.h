// SPDX-License-Identifier: Apache-2.0
/* A started enclave: where it is, and calls into it. */
#ifndef SKELETON_ENCLAVE_H
#define SKELETON_ENCLAVE_H

#include <stdbool.h>
#include <stdint.h>

struct enclave {
    int fd; /* the driver's; the enclave lives as long as it and the mappings do */
    uint64_t tcs;
    uint64_t range; /* what this process reserved for it, to be unmapped; 0 if it is not ours */
    uint64_t range_size;
};

#define ECALL_HELLO 0
#define ECALL_REPORT 1
#define GREETING_SIZE 28

/* The greeting, a string of at most 27 characters. 0 or a negated errno number, logged. */
int enclave_hello(const struct enclave *enclave, char greeting[GREETING_SIZE]);

/* A REPORT for a target. 0 or a negated errno number, logged. */
int enclave_report(const struct enclave *enclave, const uint8_t targetinfo[512],
                   const uint8_t report_data[64], uint8_t report[432]);

void enclave_close(struct enclave *enclave);

#endif
