// SPDX-License-Identifier: Apache-2.0
/*
 * Testing PALs: one per API version, made to behave or misbehave by their args. They link libc
 * only, open nothing, and need neither capabilities nor a writable file system.
 *
 * Everything may be given in the PAL's args; what concerns a payload also in its argv, which wins.
 *
 *   trace                    a line on descriptor 2 for every call
 *   TESTING_PAL_VERSION=N    in the environment: pal_get_version returns N (v2, v3)
 *   init-return=N            pal_init returns N; init-errno=N: -1 with errno N
 *   init-hang                pal_init never returns; init-crash: faults; init-abort: aborts
 *   init-exit=N              pal_init calls exit(N)
 *   init-fork                pal_init returns twice, the second time in a copy of the process
 *   init-child=N             pal_init leaves a child of its own that ends with N; pal_destroy waits
 *                            for it and traces what it got
 *   init-close=N             pal_init closes descriptors 3 to N
 *   create-return=N          pal_create_process returns N; create-pid=N: stores N
 *   exec-return=N            pal_exec returns N; exec-errno=N: -1 with errno N
 *   exec-value=N             pal_exec stores N whatever the payload did
 *   exec-crash               pal_exec faults; exec-close=N: closes descriptors 3 to N
 *   status=plain|wait        how a payload's end is stored: code or 128+n (default), wait(2)
 *   payload=process|thread   forked child (default), or the calling thread (always in v1)
 *   exec-print               payload: argv, env, cwd, uid; one a line, on its standard output
 *   exec-fds                 payload: the descriptors it has, one a line
 *   exec-echo                payload: copies its standard input to its standard output
 *   exec-sleep=MS            payload: sleeps
 *   exec-orphan=MS           payload: leaves a grandchild that ends after MS
 *   exec-ignore=N            payload: ignores signal N
 *   exec-status=N            payload: ends with N; exec-signal=N: ends by signal N
 *   probe                    payload: attacks process 1, one line for each attempt
 *   kill-return=N            pal_kill returns N and does nothing; kill-hang: never returns
 *   destroy-return=N         pal_destroy returns N; destroy-hang: never returns
 *   report-return=N          pal_get_local_report returns N; report-length=N: stores N
 *   report-overrun=N         writes N bytes more than a REPORT has
 *   report-other-data        ignores the caller's report data
 */
#ifndef PAL_TESTING_H
#define PAL_TESTING_H

#include "options.h"

#define ENCLAVE_RUNTIME_PAL_VERSION TESTING_VERSION
#include "../../include/enclave_runtime_pal.h"

/* The PAL's args, copied by pal_init. */
extern char pal_args[4096];

/* The payload itself, in whatever process or thread it was put. Returns its exit code. */
int payload_main(const struct options *options, char *const *environment, int in, int out);

/* Attempts on process 1; one line each on `out`: what and `denied` or `SUCCEEDED`. */
void probe(int out);

/* printf to a descriptor, in one write. */
void print_to(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sleeps that long, whatever signals come. */
void sleep_ms(int ms);

/* Forks, runs or kills payloads; versions 2 and 3. */
int payload_create(const pal_create_process_args *args);
int payload_run(int pid, int *exit_value);
int payload_kill(int pid, int sig);

#endif
