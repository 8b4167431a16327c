// SPDX-License-Identifier: Apache-2.0
/* ENCLU: the leaf number is in EAX, operands in RBX, RCX, RDX. */
#ifndef SGXSIM_ENCLU_H
#define SGXSIM_ENCLU_H

#include "frame.h"
#include "thread.h"

enum {
    LEAF_EREPORT = 0,
    LEAF_EGETKEY = 1,
    LEAF_EENTER = 2,
    LEAF_ERESUME = 3,
    LEAF_EEXIT = 4,
    LEAF_EACCEPT = 5,
    LEAF_EMODPE = 6,
    LEAF_EACCEPTCOPY = 7
};
#define ENCLU_LENGTH 3

/* By the host: EENTER and ERESUME. */
void enclu_outside(struct thread *thread, struct context *context);
/* By the enclave: the others. */
void enclu_inside(struct thread *thread, struct context *context);

/* EACCEPT, EMODPE, EACCEPTCOPY (accept.c). What a leaf ends with: */
enum leaf_end { LEAF_DONE, LEAF_GP, LEAF_PF };
struct leaf_result {
    enum leaf_end end;
    uint64_t address; /* of #PF */
    uint32_t error;
    int sets_rax;
    uint32_t rax;
};
struct leaf_result leaf_accept(struct enclave *enclave, uint64_t secinfo, uint64_t page);
struct leaf_result leaf_extend_permissions(struct enclave *enclave, uint64_t secinfo,
                                           uint64_t page);
struct leaf_result leaf_accept_copy(struct enclave *enclave, uint64_t secinfo, uint64_t page,
                                    uint64_t source);

#endif
