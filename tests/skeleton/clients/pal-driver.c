// SPDX-License-Identifier: Apache-2.0
/*
 * Drives a PAL as a host does, with the layouts of the PAL API typed anew. Prints one line a step.
 *
 *   pal-driver PAL VERSION ARGS LOGLEVEL STEP...
 *
 * Steps: init | init-null | report [report-data] | destroy, and for payloads
 *   run:SECONDS      create and exec, or exec in version 1
 *   background:SECONDS  the same on a thread of its own
 *   kill:PID:SIGNAL  with PID -1, 0, or `last`
 *   join             waits for the threads
 *   fds              counts open descriptors; maps: prints writable and executable mappings
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct v1_attributes {
    const char *arguments;
    const char *level;
};
struct v3_attributes {
    struct v1_attributes first;
    int descriptor;
    uint64_t address;
};
struct streams {
    int in, out, error;
};
struct create_arguments {
    const char *path;
    const char **argv;
    const char **env;
    struct streams *streams;
    int *pid;
};
struct exec_arguments {
    int pid;
    int *value;
};

static void *library;
static int version;
static struct v3_attributes attributes = {.descriptor = -1};
static pthread_t threads[64];
static int thread_count, last_pid;
static pthread_mutex_t print_lock = PTHREAD_MUTEX_INITIALIZER;

static void *symbol(const char *name)
{
    void *found = dlsym(library, name);
    if (found == NULL) {
        printf("%s is missing\n", name);
        exit(3);
    }
    return found;
}

static int start_payload(const char *seconds, int *pid)
{
    int (*create)(struct create_arguments *) = symbol("pal_create_process");
    const char *argv[] = {"dummy", "wait_timeout", seconds, NULL};
    const char *env[] = {NULL};
    struct streams streams = {0, 1, 2};
    struct create_arguments arguments = {"/dummy", argv, env, &streams, pid};
    return create(&arguments);
}

static void finish_payload(int result, int pid, const char *seconds)
{
    int value = -12345;
    if (version == 1) {
        int (*exec)(char *, char **, struct streams *, int *) = symbol("pal_exec");
        char *argv[] = {"dummy", "wait_timeout", (char *)seconds, NULL};
        struct streams streams = {0, 1, 2};
        result = exec("/dummy", argv, &streams, &value);
    } else if (result == 0) {
        int (*exec)(struct exec_arguments *) = symbol("pal_exec");
        struct exec_arguments arguments = {pid, &value};
        result = exec(&arguments);
    }
    pthread_mutex_lock(&print_lock);
    printf("exec %d exit %d\n", result, value);
    pthread_mutex_unlock(&print_lock);
}

static void *background(void *argument)
{
    int pid = -1;
    int result = version == 1 ? 0 : start_payload(argument, &pid);
    last_pid = pid;
    finish_payload(result, pid, argument);
    return NULL;
}

static void run(const char *seconds)
{
    int pid = -1;
    int result = version == 1 ? 0 : start_payload(seconds, &pid);
    last_pid = pid;
    finish_payload(result, pid, seconds);
}

static void report(const char *data)
{
    _Alignas(512) static uint8_t target[512], bytes[1024];
    uint8_t report_data[64] = {0};
    int length = 432, result;
    if (*data != '\0') {
        memset(report_data, data[1], sizeof(report_data));
        int (*call)(void *, int, void *, int, void *, int *) = symbol("pal_get_report_with_data");
        result = call(target, 512, report_data, 64, bytes, &length);
    } else {
        int (*call)(void *, int, void *, int *) = symbol("pal_get_local_report");
        result = call(target, 512, bytes, &length);
    }
    printf("report %d %d ", result, length);
    for (int i = 0; result == 0 && i < 432; i++)
        printf("%02x", bytes[i]);
    printf("\n");
    int (*call)(void *, int, void *, int *) = symbol("pal_get_local_report");
    int too_short = 431, good = 432;
    printf("report errors %d %d %d %d\n", call(target, 511, bytes, &good),
           call(target, 512, bytes, &too_short), call(NULL, 512, bytes, &good),
           call(target, 512, NULL, &good));
}

static void count_descriptors(void)
{
    int count = -3; /* ".", ".." and the directory's own */
    DIR *directory = opendir("/proc/self/fd");
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    printf("fds %d\n", count);
}

static void writable_and_executable(void)
{
    char line[512];
    int count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof(line), maps) != NULL)
        count += strstr(line, " rwx") != NULL;
    fclose(maps);
    printf("rwx mappings %d\n", count);
}

static void step(char *text)
{
    if (strcmp(text, "init") == 0) {
        int (*init)(void *) = symbol("pal_init");
        printf("init %d\n", init(version == 3 ? (void *)&attributes : (void *)&attributes.first));
    } else if (strcmp(text, "init-null") == 0) {
        int (*init)(void *) = symbol("pal_init");
        struct v3_attributes empty = {.descriptor = -1};
        printf("init %d\n", init(&empty));
    } else if (strncmp(text, "report", 6) == 0) {
        report(text + 6);
    } else if (strcmp(text, "destroy") == 0) {
        int (*destroy)(void) = symbol("pal_destroy");
        printf("destroy %d\n", destroy());
    } else if (strncmp(text, "run:", 4) == 0) {
        run(text + 4);
    } else if (strncmp(text, "background:", 11) == 0) {
        pthread_create(&threads[thread_count++], NULL, background, text + 11);
        usleep(100000);
    } else if (strncmp(text, "kill:", 5) == 0) {
        int (*kill_payload)(int, int) = symbol("pal_kill");
        char *signal = strrchr(text, ':');
        int pid = strncmp(text + 5, "last", 4) == 0 ? last_pid : atoi(text + 5);
        printf("kill %d\n", kill_payload(pid, atoi(signal + 1)));
    } else if (strcmp(text, "join") == 0) {
        while (thread_count > 0)
            pthread_join(threads[--thread_count], NULL);
    } else if (strcmp(text, "fds") == 0) {
        count_descriptors();
    } else if (strcmp(text, "maps") == 0) {
        writable_and_executable();
    } else {
        printf("unknown step %s\n", text);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        printf("dlopen: %s\n", dlerror());
        return 3;
    }
    version = atoi(argv[2]);
    int (*get_version)(void) = (int (*)(void))dlsym(library, "pal_get_version");
    printf("version %d\n", get_version == NULL ? 1 : get_version());
    attributes.first = (struct v1_attributes){argv[3], argv[4]};
    for (int i = 5; i < argc; i++)
        step(argv[i]);
    return 0;
}
