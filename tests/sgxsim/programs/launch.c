// SPDX-License-Identifier: Apache-2.0
/* launch IMAGE SIGSTRUCT [ATTRIBUTES]: builds the enclave and calls it once. Prints the step that
 * failed and errno, or "launched". */
#include "host.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    size_t size, sigstruct_size;
    uint8_t *image = read_file(argv[1], &size);
    uint8_t *sigstruct = read_file(argv[2], &sigstruct_size);
    uint64_t attributes = argc > 3 ? strtoul(argv[3], NULL, 16) : 6;
    const char *step;
    int fd;
    uint64_t base = build_enclave(image, size, sigstruct, attributes, &step, &fd);
    if (base == 0) {
        printf("%s: errno %d\n", step, errno);
        return 1;
    }
    struct result result = enclave_call(base, 1, 0, NULL);
    printf("%s\n", result.rdx == 0xfeedface ? "launched" : "launched, but its answer is wrong");
    return result.rdx != 0xfeedface;
}
