// SPDX-License-Identifier: Apache-2.0
/* Stands in for the engine: writes down, as JSON, what the front has passed on. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static void put_strings(FILE *out, const char *name, char **strings)
{
    fprintf(out, "\"%s\":[", name);
    for (char **at = strings; *at != NULL; at++) {
        fprintf(out, at == strings ? "\"" : ",\"");
        for (const char *c = *at; *c != 0; c++)
            fprintf(out, "\\u%04x", (unsigned char)*c);
        fprintf(out, "\"");
    }
    fprintf(out, "],");
}

/* "0 /dev/null r" for each descriptor. */
static void put_descriptors(FILE *out)
{
    DIR *dir = opendir("/proc/self/fd");
    const char *comma = "";
    fprintf(out, "\"descriptors\":[");
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[64], target[4096];
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] == '.' || fd == dirfd(dir) || fd == fileno(out))
            continue;
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        ssize_t n = readlink(path, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = 0;
        int mode = fcntl(fd, F_GETFL) & O_ACCMODE;
        fprintf(out, "%s\"%d %s %s\"", comma, fd, target, mode == O_RDONLY ? "r" : "w");
        comma = ",";
    }
    fprintf(out, "]}");
    closedir(dir);
}

/* The file to write to lies beside this program. */
int main(int argc, char **argv)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 8);
    if (n < 0)
        return 100;
    strcpy(path + n, ".json");
    FILE *out = fopen(path, "we");
    if (out == NULL)
        return 101;
    fprintf(out, "{\"argc\":%d,", argc);
    put_strings(out, "argv", argv);
    put_strings(out, "environment", environ);
    const char *front = getenv("INCLAVARE_FRONT");
    if (front != NULL) {
        char name[64], byte;
        snprintf(name, sizeof(name), "/proc/self/fd/%d", atoi(front + 2));
        int fd = open(name, O_RDONLY | O_CLOEXEC);
        fprintf(out, "\"callers\":\"");
        while (fd >= 0 && read(fd, &byte, 1) == 1)
            fprintf(out, "\\u%04x", (unsigned char)byte);
        fprintf(out, "\",");
        close(fd);
    }
    put_descriptors(out);
    fclose(out);
    return 42;
}
