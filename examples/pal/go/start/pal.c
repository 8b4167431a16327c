// SPDX-License-Identifier: Apache-2.0
/*
 * The PAL API in front of pal.go. A PAL is loaded by the host's root before it is in the container, so
 * its constructors may start no threads; Go's runtime starts some in its own. build.sh therefore
 * renames the section that holds that constructor, and it is called here, in pal_init, when the
 * container's rights hold.
 */
#define ENCLAVE_RUNTIME_PAL_VERSION 2
#include <enclave_runtime_pal.h>

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

int pal_init(pal_attr_v1_t *attr)
{
    static char name[] = "pal";
    static char *argv[] = {name, NULL};
    for (const constructor *each = __start_go_constructors; each < __stop_go_constructors; each++)
        (*each)(1, argv, environ);
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
