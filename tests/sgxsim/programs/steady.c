// SPDX-License-Identifier: Apache-2.0
/* steady IMAGE SIGSTRUCT: builds the enclave, prints "ready", and for each line of its input asks
 * for a seal key by MRSIGNER, which it prints. */
#include "host.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    static uint8_t request[512] __attribute__((aligned(512)));
    size_t size, sigstruct_size;
    const char *step;
    int fd;
    if (argc < 3)
        return 1;
    uint8_t *image = read_file(argv[1], &size);
    uint8_t *sigstruct = read_file(argv[2], &sigstruct_size);
    uint64_t base = build_enclave(image, size, sigstruct, 6, &step, &fd);
    if (base == 0) {
        printf("%s: errno %d\n", step, errno);
        return 1;
    }
    puts("ready");
    fflush(stdout);
    memcpy(request, (uint16_t[]){4, 2}, 4);
    while (getchar() != EOF) {
        uint8_t key[16] = {0};
        struct result result = enclave_call(base, 7, (uint64_t)request, key);
        printf("%lu ", result.rdx);
        for (size_t i = 0; i < sizeof key; i++)
            printf("%02x", key[i]);
        puts("");
        fflush(stdout);
    }
    return 0;
}
