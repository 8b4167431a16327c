// SPDX-License-Identifier: Apache-2.0
#include "process_name.h"
#include <linux/prctl.h>

/* prctl(2), PR_SET_MM_MAP: all at once, because the kernel checks them against each other. Best
 * effort: a kernel without CONFIG_CHECKPOINT_RESTORE refuses, and `ps` shows two words more. */
static void set_command_line(const struct start_vectors *vectors,
                             const struct loaded_program *loaded)
{
    if (vectors->argc == 0 || vectors->envp[0] == NULL)
        return;
    uint64_t heap = (uint64_t)call(__NR_brk, 0);
    const char *last = vectors->envp[0];
    for (char **at = vectors->envp; *at != NULL; at++)
        last = *at;
    struct prctl_mm_map map = {
        .start_code = loaded->code,
        .end_code = loaded->code_end,
        .start_data = loaded->code,
        .end_data = loaded->code_end,
        .start_brk = heap,
        .brk = heap,
        .start_stack = (uint64_t)vectors->argv,
        .arg_start = (uint64_t)vectors->argv[0],
        .arg_end = (uint64_t)vectors->envp[0],
        .env_start = (uint64_t)vectors->envp[0],
        .env_end = (uint64_t)last + strlen(last) + 1,
        .exe_fd = (uint32_t)-1,
    };
    if (map.arg_start < map.arg_end)
        call(__NR_prctl, PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0);
}

void process_name(const struct start_vectors *vectors, const struct program_file *program,
                  const struct loaded_program *loaded)
{
    call(__NR_prctl, PR_SET_NAME, last_component(program->path), 0, 0, 0);
    set_command_line(vectors, loaded);
}
