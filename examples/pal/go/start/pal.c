// SPDX-License-Identifier: Apache-2.0
/*
 * The PAL API in front of pal.go. A PAL is loaded by the host's root before it is in the container, so
 * its constructors may start no threads; Go's runtime starts some in its own. build.sh therefore
 * renames the section that holds that constructor, and it is called here, in pal_init, when the
 * container's rights hold.
 */
#define ENCLAVE_RUNTIME_PAL_VERSION 2
#include <enclave_runtime_pal.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

int goInit(pal_attr_v1_t *attr);
int goCreateProcess(pal_create_process_args *args);
int goExec(pal_exec_args *args);
int goKill(int pid, int sig);

/* The linker's names for the beginning and the end of the renamed section. */
typedef void (*constructor)(int, char **, char **);
extern const constructor __start_go_constructors[], __stop_go_constructors[];
extern char **environ;

int pal_get_version(void)
{
    return 2;
}

/*
 * Go finds its environment and the auxiliary vector behind its arguments, as they lie on the first
 * stack of a process: this makes such a block. NULL where there is no memory; it is kept for good.
 */
static char **first_stack(void)
{
    static char name[] = "pal";
    static const unsigned long wanted[] = {AT_PAGESZ, AT_RANDOM, AT_SYSINFO_EHDR, AT_SECURE};
    size_t wants = sizeof wanted / sizeof wanted[0], variables = 0;
    while (environ[variables] != NULL)
        variables++;
    char **block = calloc(2 + variables + 1 + 2 * (wants + 1), sizeof *block), **end = block;
    if (block == NULL)
        return NULL;
    *end = name;
    end += 2;
    memcpy(end, environ, variables * sizeof *end);
    end += variables + 1;
    for (size_t one = 0; one < wants; one++) {
        *end++ = (char *)wanted[one];
        *end++ = (char *)getauxval(wanted[one]);
    }
    return block; /* ends in AT_NULL, which is 0 */
}

int pal_init(pal_attr_v1_t *attr)
{
    char **argv = first_stack();
    if (argv == NULL)
        return -ENOMEM;
    for (const constructor *each = __start_go_constructors; each < __stop_go_constructors; each++)
        (*each)(1, argv, argv + 2);
    return goInit(attr); /* waits for Go's runtime */
}

int pal_create_process(pal_create_process_args *args)
{
    return goCreateProcess(args);
}

int pal_exec(pal_exec_args *args)
{
    return goExec(args);
}

int pal_kill(int pid, int sig)
{
    return goKill(pid, sig);
}

int pal_destroy(void)
{
    /* Here the enclave is removed. */
    return 0;
}
