// SPDX-License-Identifier: Apache-2.0
#include "support.h"

#include <dirent.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct run empty_run(void)
{
    struct run run = {.plan_fd = -1, .channel = -1, .root = -1, .notify_from = -1, .notify_to = -1};
    for (unsigned i = 0; i < PLAN_SLOTS; i++)
        run.slots[i] = -1;
    return run;
}

uint8_t *from_hex(const char *text, size_t digits)
{
    /* Exactly as large as what is in it, so that the sanitizer sees every byte read beyond. */
    uint8_t *bytes = malloc(digits > 1 ? digits / 2 : 1);
    for (size_t i = 0; i + 1 < digits; i += 2) {
        char pair[3] = {text[i], text[i + 1], 0};
        bytes[i / 2] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return bytes;
}

int perform(operation *op, struct run *run, struct writer *w, struct failure *f)
{
    struct record record;
    size_t size = write_end(w);
    struct reader all = {w->start, w->start + size, false};
    if (size == 0 || !record_next(&all, &record))
        abort();
    return op(run, &record.payload, f);
}

void write_list(struct writer *w, const char *const *strings)
{
    uint32_t count = 0;
    while (strings[count] != NULL)
        count++;
    write_u32(w, count);
    for (uint32_t i = 0; i < count; i++)
        write_string(w, strings[i]);
}

void make_scratch(char *path, size_t size)
{
    snprintf(path, size, "/tmp/runelet-test-XXXXXX");
    if (mkdtemp(path) == NULL)
        abort();
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void remove_tree(const char *path)
{
    nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

int count_descriptors(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += atoi(entry->d_name) > 2 && atoi(entry->d_name) != dirfd(dir);
    closedir(dir);
    return count;
}

int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int in_child(int (*function)(void *), void *argument)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(function(argument));
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
