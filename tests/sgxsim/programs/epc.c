// SPDX-License-Identifier: Apache-2.0
/* epc IMAGE SIGSTRUCT [hold]: builds up to 40 enclaves and keeps them; how many there were, and why
 * no more. With `hold` until standard input ends. */
#define _GNU_SOURCE
#include "host.h"
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST = 40 };

int main(int argc, char **argv)
{
    size_t size, other;
    if (argc < 3)
        return 2;
    uint8_t *image = read_file(argv[1], &size);
    uint8_t *sigstruct = read_file(argv[2], &other);
    uint64_t base[MOST];
    int fd[MOST], made = 0;
    const char *step = "none";
    errno = 0;
    while (made < MOST &&
           (base[made] = build_enclave(image, size, sigstruct, 6, &step, &fd[made])) != 0)
        made++;
    printf("%d enclaves: %s: errno %d\n", made, step, made == MOST ? 0 : errno);
    fflush(stdout);
    if (argc > 3)
        return getchar() == EOF ? 0 : 1;
    if (made == 0)
        return 0;
    munmap((void *)base[0], ENCLAVE_SIZE);
    close(fd[0]);
    close(fd[made - 1] + 1); /* of the one that was not finished */
    if (made < MOST)
        printf("%d more after one has gone\n",
               build_enclave(image, size, sigstruct, 6, &step, &fd[0]) != 0);
    return 0;
}
