// SPDX-License-Identifier: Apache-2.0
/* What the tests' host programs share: building the enclave, entering it, TAP. */
#ifndef HOST_H
#define HOST_H

#include <stdint.h>
#include <stddef.h>

#define PAGE 4096UL
#define ENCLAVE_SIZE 0x10000UL
#define SECOND_TCS 0x7000UL
#define CODE_PAGE 0x1000UL

struct result {
    uint64_t rax, rdx, rsi, rcx;
};

/* EENTER with an AEP of its own, an ENCLU: an asynchronous exit resumes by itself. */
struct result enclave_call(uint64_t tcs, uint64_t operation, uint64_t argument, void *output);
/* The same; the registers as they are after EEXIT: RSI, R9, R11, RDI, R10, RDX, RFLAGS, RAX. */
void enclave_registers(uint64_t tcs, uint64_t operation, uint64_t saw[8]);
extern char enclave_aep[], enclave_after[];

/* Reads a whole file; its size in `*size`. */
void *read_file(const char *path, size_t *size);

/* Builds an enclave of image and SIGSTRUCT; the address, or 0 with the failed step in `*step` and
 * errno. `extra` unmeasured zero pages may follow the image. */
uint64_t build_enclave(const uint8_t *image, size_t size, const uint8_t *sigstruct,
                       uint64_t attributes, const char **step, int *fd);

/* The vDSO's __vdso_sgx_enter_enclave, or NULL. */
void *find_vdso_enter(void);
struct sgx_enclave_run;
int vdso_call(void *function, uint64_t rdi, uint64_t rsi, struct sgx_enclave_run *run);

void check(const char *name, int ok);
int finish(void);
double now(void);

#endif
