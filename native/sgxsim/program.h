// SPDX-License-Identifier: Apache-2.0
/*
 * Finds out what an execve of a path executes, with the errors of the kernel (fs/exec.c,
 * fs/binfmt_script.c): the file itself, or the interpreter of a chain of scripts.
 */
#ifndef SGXSIM_PROGRAM_H
#define SGXSIM_PROGRAM_H

#include "base.h"

#define SCRIPT_DEPTH 5
#define SCRIPT_LINE 256 /* BINPRM_BUF_SIZE */

struct program_file {
    int fd;           /* of the ELF file */
    const char *path; /* AT_EXECFN; points into the caller's string or `lines` */
    const char *prefix[2 * SCRIPT_DEPTH]; /* words that replace argv[0] */
    unsigned prefix_count;                /* 0: argv as it is */
    char lines[SCRIPT_DEPTH][SCRIPT_LINE];
};

/* Opens the program. 0, or -errno with nothing open. `path` must outlive `file`. */
int program_open(struct program_file *file, int directory, const char *path, int flags);

/* The same for a command as a shell finds it: through PATH unless it has a slash. */
int program_search(struct program_file *file, const char *name, char *const *environment);

/* Takes over an open descriptor, as --fd gives it. */
int program_from_fd(struct program_file *file, int fd, const char *path);

#endif
