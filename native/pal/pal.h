// SPDX-License-Identifier: Apache-2.0
/* What the files of the PAL host share; not for its users. */
#ifndef PAL_PAL_H
#define PAL_PAL_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "../include/enclave_runtime_pal.h"
#include "exit_value.h"
#include "pal_host.h"

/* Stack of every thread that runs PAL code; reserved, touched as needed. */
#define PAL_STACK_BYTES (8u << 20)

/* How far the container has come; only ever grows. */
enum pal_state {
    PAL_LOADED,
    PAL_STARTING, /* in pal_get_version or pal_init */
    PAL_CREATED,  /* pal_init has succeeded */
    PAL_RUNNING,  /* the init payload is being created, or runs */
    PAL_ENDING,   /* it has ended, or never will */
};

/* The PAL's functions as dlsym found them; NULL where absent. */
struct pal_symbols {
    int (*get_version)(void);
    int (*init)(void *attr);
    int (*create_process)(pal_create_process_args *);
    union {
        int (*v1)(const char *path, char **argv, pal_stdio_fds *, int *exit_value);
        int (*v2)(pal_exec_args *);
    } exec;
    int (*kill)(int pid, int sig);
    int (*get_local_report)(void *target, int target_size, void *report, int *report_size);
    int (*get_report_with_data)(void *target, int target_size, void *data, int data_size,
                                void *report, int *report_size);
    int (*destroy)(void);
    bool stores_wait_status; /* known to: Occlum's */
};

/* A program inside the enclave runtime, from creation to end. */
struct payload {
    struct payload *next; /* in pal->payloads; under pal->lock */
    int pid;              /* 0 with version 1 */
};

/* What to run. */
struct launch {
    char **argv;
    char **environment;
    pal_stdio_fds stdio;
};

struct pal {
    char name[256];
    struct pal_symbols symbols;
    int version; /* 1 to 3; 0 until pal_start */
    pid_t owner; /* this process; a child that a PAL forks is another one */
    pal_warn_fn *warn;
    void *warn_context;

    pthread_mutex_t lock; /* the next four */
    pthread_cond_t changed;
    enum pal_state state;
    struct payload *payloads;
    struct payload *init; /* the init payload once created */

    sem_t wake;                  /* the main thread has something to look at */
    sem_t signals;               /* the signal thread has */
    atomic_uint_least64_t heard; /* bit n-1: signal n waits for the signal thread */
    atomic_int fatal;            /* the signal that ends the container, or 0 */
    atomic_bool life_over;       /* life() has returned; `result` is set */
    atomic_bool ended;           /* and so has pal_destroy */
    atomic_bool destroyed;       /* pal_destroy has been called */
    int result;
};

/* calls.c: one function per PAL call; the PAL's return value becomes a failure. */
int call_get_version(struct pal *pal, int *version, struct failure *why);
int call_init(struct pal *pal, const char *args, const char *log_level, struct failure *why);
int call_create_process(struct pal *pal, const char *path, const struct launch *launch, int *pid,
                        struct failure *why);
int call_exec(struct pal *pal, const char *path, const struct launch *launch, int pid,
              int *exit_value, struct failure *why);
int call_kill(struct pal *pal, int pid, int number, struct failure *why);
/* Calls pal_destroy unless it has been called. */
int call_destroy(struct pal *pal, struct failure *why);
/* `data` NULL: the PAL chooses. `report` has PAL_REPORT_SIZE bytes. */
int call_report(struct pal *pal, const uint8_t *target, const uint8_t *data, uint8_t *report,
                struct failure *why);

/* payload.c */
int payload_create(struct pal *pal, const char *path, const struct launch *launch,
                   struct payload *payload, struct failure *why);
/* Runs a created payload; it is forgotten when this returns. */
int payload_exec(struct pal *pal, const char *path, const struct launch *launch,
                 struct payload *payload, struct exit_status *status, struct failure *why);
/* True while a payload with that pid lives. */
bool payload_lives(struct pal *pal, int pid);
/* Makes the payloads that are left end: SIGKILL, and two seconds to return. */
void payloads_end(struct pal *pal);
/* The file that `name` means: found through PATH of `environment`, else `name` itself. */
const char *payload_path(const char *name, char **environment, char buffer[4096]);

/* pal.c */
bool pal_can_kill(const struct pal *pal);
enum pal_state pal_state(struct pal *pal);
void pal_set_state(struct pal *pal, enum pal_state state);
void pal_warn(struct pal *pal, const char *format, ...) __attribute__((format(printf, 2, 3)));
void pal_warn_failure(struct pal *pal, const struct failure *why);
/* Starts a thread with PAL_STACK_BYTES. Returns 0 or an errno number. */
int pal_thread(pthread_t *thread, void *(*run)(void *), void *context);
/* CLOCK_MONOTONIC, `ms` milliseconds from now. */
struct timespec pal_deadline(long ms);

#endif
