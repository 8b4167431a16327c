// SPDX-License-Identifier: Apache-2.0
/* The command line (docs/protocol/simulation.md). */
#ifndef SGXSIM_OPTIONS_H
#define SGXSIM_OPTIONS_H

#include "base.h"

struct options {
    int program_fd; /* --fd; -1 without */
    int force;
    int virtual_nodes; /* 1, 0, or -1 for auto */
    int words;         /* how many words of argv are not the program's */
};

/* Reads the options; answers --help, --version and --calls, and ends the process on faults. */
void options_read(struct options *options, int argc, char *const *argv);

/* Settings that every image passes on: OPTION_... of exec.h. */
uint64_t option_word(void);
void options_from_word(uint64_t word);

extern int virtual_nodes, fast_exit_allowed, portable;

#endif
