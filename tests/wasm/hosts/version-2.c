// SPDX-License-Identifier: Apache-2.0
/*
 * A host that knows version 2 of the PAL API and no more, compiled from the header as such a host
 * is. Its pal_attr_v1_t ends where a page does: who reads version 3's members faults.
 *
 *   version-2 PAL IMAGE WORD...
 */
#define ENCLAVE_RUNTIME_PAL_VERSION 2
#include "enclave_runtime_pal.h"

#include <dlfcn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static pal_attr_v1_t *attributes_at_the_edge(void)
{
    long page = sysconf(_SC_PAGESIZE);
    char *area = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED || mprotect(area + page, page, PROT_NONE) < 0)
        return NULL;
    return (pal_attr_v1_t *)(area + page) - 1;
}

int main(int argc, char **argv)
{
    void *library = argc < 3 ? NULL : dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    pal_attr_v1_t *attributes = attributes_at_the_edge();
    if (library == NULL || attributes == NULL)
        return 2;
    __typeof__(pal_get_version) *get_version = dlsym(library, "pal_get_version");
    __typeof__(pal_init) *init = dlsym(library, "pal_init");
    __typeof__(pal_create_process) *create = dlsym(library, "pal_create_process");
    __typeof__(pal_exec) *exec = dlsym(library, "pal_exec");
    __typeof__(pal_kill) *kill_process = dlsym(library, "pal_kill");
    __typeof__(pal_destroy) *destroy = dlsym(library, "pal_destroy");
    if (!get_version || !init || !create || !exec || !kill_process || !destroy)
        return 3;

    const char *env[] = {NULL};
    pal_stdio_fds stdio = {0, 1, 2};
    int pid = 0, value = -1;
    pal_create_process_args new_process = {argv[2], (const char **)argv + 2, env, &stdio, &pid};
    *attributes = (pal_attr_v1_t){"", "error"};
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("version %d\n", get_version());
    printf("init %d\n", init(attributes));
    printf("create %d\n", create(&new_process));
    printf("kill %d\n", kill_process(pid, 0));
    int result = exec(&(pal_exec_args){pid, &value});
    printf("exec %d exit %d\n", result, value);
    printf("destroy %d\n", destroy());
    return 0;
}
