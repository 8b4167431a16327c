// SPDX-License-Identifier: Apache-2.0
/* read PATH, write PATH TEXT, list PATH; a failure's reason on standard output, and status 1. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int fail(void)
{
    printf("%s\n", strerror(errno));
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    if (strcmp(argv[1], "list") == 0) {
        DIR *directory = opendir(argv[2]);
        if (directory == NULL)
            return fail();
        errno = 0;
        for (struct dirent *entry; (entry = readdir(directory)) != NULL; errno = 0)
            printf("%s\n", entry->d_name);
        return errno == 0 ? 0 : fail();
    }
    FILE *file = fopen(argv[2], argc > 3 ? "w" : "r");
    if (file == NULL)
        return fail();
    if (argc > 3)
        return fputs(argv[3], file) < 0 || fclose(file) != 0 ? fail() : 0;
    for (int byte; (byte = getc(file)) != EOF;)
        putchar(byte);
    return ferror(file) ? fail() : 0;
}
