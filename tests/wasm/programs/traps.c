// SPDX-License-Identifier: Apache-2.0
/* Ends as argv[1] says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wasi/api.h>

/* Ends only when the depth has gone through all integers. */
static int recurse(volatile int *depth)
{
    volatile int here[64];
    here[0] = *depth + 1;
    if (here[0] == 0)
        return 0;
    return recurse(here) + here[0];
}

static void none(void)
{
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    volatile int zero = 0, number = argc;
    if (strcmp(how, "load") == 0)
        return *(volatile int *)0xfffff000u;
    if (strcmp(how, "store") == 0)
        *(volatile int *)(200 << 20) = 1;
    if (strcmp(how, "beyond") == 0) {
        volatile char *end = (volatile char *)(__builtin_wasm_memory_size(0) << 16);
        *end = 5;
        return __builtin_wasm_memory_grow(0, 1) == (size_t)-1 ? 1 : *end;
    }
    if (strcmp(how, "divide") == 0)
        return number / zero;
    if (strcmp(how, "convert") == 0)
        return __builtin_wasm_trunc_s_i32_f64(1e300 + zero);
    if (strcmp(how, "unreachable") == 0)
        __builtin_trap();
    if (strcmp(how, "indirect") == 0) {
        int (*volatile wrong)(int, int, int) = (int (*)(int, int, int))none;
        return wrong(1, 2, 3);
    }
    if (strcmp(how, "recurse") == 0)
        return recurse(&zero);
    if (strcmp(how, "loop") == 0) {
        printf("looping\n");
        fflush(stdout);
        for (;;)
            zero++;
    }
    if (strcmp(how, "wait") == 0) {
        printf("waiting\n");
        fflush(stdout);
        for (;;)
            sleep(1000);
    }
    if (strcmp(how, "grow") == 0) {
        size_t most = 0;
        for (char *volatile block; (block = malloc(1 << 20)) != NULL; most++)
            memset(block, 1, 1 << 20);
        printf("%zu MiB\n", most);
    }
    if (strcmp(how, "echo") == 0) {
        char line[64];
        while (fgets(line, sizeof(line), stdin) != NULL)
            printf("> %s", line);
    }
    return argc > 2 ? atoi(argv[2]) : 0;
}
