// SPDX-License-Identifier: Apache-2.0
/* load PAL ENCLAVE: nanoseconds of pal_create_process, which answers when the enclave is loaded. */
#define ENCLAVE_RUNTIME_PAL_VERSION 3
#include "enclave_runtime_pal.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int main(int argc, char *argv[])
{
    void *library = argc == 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (library == NULL) {
        fprintf(stderr, "load: %s\n", argc == 3 ? dlerror() : "PAL and ENCLAVE are wanted");
        return 2;
    }
    int (*init)(pal_attr_v3_t *) = (int (*)(pal_attr_v3_t *))dlsym(library, "pal_init");
    int (*create)(pal_create_process_args *) =
        (int (*)(pal_create_process_args *))dlsym(library, "pal_create_process");
    int (*destroy)(void) = (int (*)(void))dlsym(library, "pal_destroy");
    pal_attr_v3_t attr = {.attr_v1 = {.args = "", .log_level = "info"}};
    if (init == NULL || create == NULL || destroy == NULL || init(&attr) != 0)
        return 1;
    const char *arguments[] = {argv[2], NULL}, *environment[] = {NULL};
    pal_stdio_fds stdio = {0, 1, 2};
    int pid = 0;
    pal_create_process_args args = {.path = argv[2],
                                    .argv = arguments,
                                    .env = environment,
                                    .stdio = &stdio,
                                    .pid = &pid};
    uint64_t before = now_ns();
    int result = create(&args);
    uint64_t after = now_ns();
    if (result != 0)
        return 1;
    printf("%llu 0\n", (unsigned long long)(after - before));
    return destroy() == 0 ? 0 : 1;
}
