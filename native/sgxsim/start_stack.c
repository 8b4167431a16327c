// SPDX-License-Identifier: Apache-2.0
#include "start_stack.h"
#include <linux/auxvec.h>
#include <asm/auxvec.h>

void start_vectors_read(struct start_vectors *vectors, uint64_t *stack)
{
    memset(vectors, 0, sizeof *vectors);
    vectors->argc = (int)stack[0];
    vectors->argv = (char **)(stack + 1);
    vectors->envp = vectors->argv + vectors->argc + 1;
    char **at = vectors->envp;
    while (*at != NULL)
        at++;
    vectors->aux = (uint64_t *)(at + 1);
    uint64_t *entry = vectors->aux;
    for (; entry[0] != AT_NULL; entry += 2)
        if (entry[0] == AT_SYSINFO_EHDR)
            vectors->kernel_vdso = entry[1];
    vectors->end = entry + 2;
}

static void patch(uint64_t *aux, const struct program_file *program,
                  const struct loaded_program *loaded, uint64_t vdso)
{
    for (; aux[0] != AT_NULL; aux += 2) {
        switch (aux[0]) {
        case AT_PHDR:
            aux[1] = loaded->headers;
            break;
        case AT_PHNUM:
            aux[1] = loaded->header_count;
            break;
        case AT_BASE:
            aux[1] = loaded->interpreter;
            break;
        case AT_ENTRY:
            aux[1] = loaded->entry;
            break;
        case AT_EXECFN:
            aux[1] = (uint64_t)program->path;
            break;
        case AT_SYSINFO_EHDR:
            aux[1] = vdso;
            break;
        default:
            break;
        }
    }
}

/* Everything moves towards the old end, 16-byte aligned. envp and what follows moves down by at
 * most one word, over argv's NULL at worst; then argv moves up, or down where a script added words.
 */
uint64_t *start_stack_build(struct start_vectors *vectors, const struct program_file *program,
                            const struct loaded_program *loaded, uint64_t vdso)
{
    patch(vectors->aux, program, loaded, vdso);
    uint64_t **words = (uint64_t **)vectors->argv + vectors->dropped;
    uint64_t kept = (uint64_t)(vectors->argc - vectors->dropped);
    if (program->prefix_count > 0 && kept > 0)
        words++, kept--;
    uint64_t argc = program->prefix_count + kept;
    uint64_t rest = (uint64_t)(vectors->end - (uint64_t *)vectors->envp);
    uint64_t *stack = (uint64_t *)((uint64_t)(vectors->end - rest - argc - 2) & ~15UL);
    uint64_t *argv = stack + 1, *envp = argv + argc + 1;
    memmove(envp, vectors->envp, 8 * rest);
    memmove(argv + program->prefix_count, words, 8 * kept);
    memcpy(argv, program->prefix, 8 * program->prefix_count);
    argv[argc] = 0;
    stack[0] = argc;
    vectors->envp = (char **)envp;
    vectors->argv = (char **)argv;
    vectors->argc = (int)argc;
    return stack;
}
