// SPDX-License-Identifier: Apache-2.0
/* Maps an ELF program and its interpreter, as fs/binfmt_elf.c does. */
#ifndef SGXSIM_LOADER_H
#define SGXSIM_LOADER_H

#include "base.h"

struct loaded_program {
    uint64_t start;        /* where to jump: the interpreter's entry, or the program's */
    uint64_t entry;        /* AT_ENTRY */
    uint64_t headers;      /* AT_PHDR; 0 when no segment contains them */
    uint64_t header_count; /* AT_PHNUM */
    uint64_t interpreter;  /* AT_BASE; 0 without one */
    uint64_t code, code_end;
};

/* Loads the program open at `fd`. Returns NULL or what is wrong; `*error` is 0 or an errno. */
const char *load_program(int fd, struct loaded_program *program, long *error);

#endif
