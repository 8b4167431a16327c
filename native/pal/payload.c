// SPDX-License-Identifier: Apache-2.0
/* Programs inside the enclave runtime: creation, run, and the table of those that live. */
#include "pal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KILLED_PAYLOADS_MS 2000 /* pal-api.md, "When, and on which thread" */

static bool lives(const struct pal *pal, int pid)
{
    for (const struct payload *p = pal->payloads; p != NULL; p = p->next)
        if (p->pid == pid)
            return true;
    return false;
}

bool payload_lives(struct pal *pal, int pid)
{
    pthread_mutex_lock(&pal->lock);
    bool found = lives(pal, pid);
    pthread_mutex_unlock(&pal->lock);
    return found;
}

/* Version 1 has no pids: its payloads are all 0 and never looked up. */
static bool enter(struct pal *pal, struct payload *payload)
{
    pthread_mutex_lock(&pal->lock);
    bool ok = payload->pid == 0 || !lives(pal, payload->pid);
    if (ok) {
        payload->next = pal->payloads;
        pal->payloads = payload;
    }
    pthread_cond_broadcast(&pal->changed);
    pthread_mutex_unlock(&pal->lock);
    return ok;
}

static void leave(struct pal *pal, struct payload *payload)
{
    pthread_mutex_lock(&pal->lock);
    for (struct payload **at = &pal->payloads; *at != NULL; at = &(*at)->next) {
        if (*at == payload) {
            *at = payload->next;
            break;
        }
    }
    if (pal->init == payload)
        pal->init = NULL;
    pthread_cond_broadcast(&pal->changed);
    pthread_mutex_unlock(&pal->lock);
}

int payload_create(struct pal *pal, const char *path, const struct launch *launch,
                   struct payload *payload, struct failure *why)
{
    *payload = (struct payload){NULL, 0};
    char reason[96];
    if (pal->version >= 2) {
        if (call_create_process(pal, path, launch, &payload->pid, why) < 0)
            return -1;
        if (payload->pid <= 0) {
            snprintf(reason, sizeof(reason), "gave pid %d, a pid is greater than 0", payload->pid);
            return fail_code(why, FAILURE_PAL, reason, "pal_create_process of `%s`", pal->name);
        }
    }
    if (enter(pal, payload))
        return 0;
    snprintf(reason, sizeof(reason), "gave pid %d, which another process has", payload->pid);
    return fail_code(why, FAILURE_PAL, reason, "pal_create_process of `%s`", pal->name);
}

int payload_exec(struct pal *pal, const char *path, const struct launch *launch,
                 struct payload *payload, struct exit_status *status, struct failure *why)
{
    int value = 0;
    int result = call_exec(pal, path, launch, payload->pid, &value, why);
    leave(pal, payload);
    if (result < 0)
        return -1;
    if (exit_value_decode(value, pal->symbols.stores_wait_status, status))
        return 0;
    char reason[96];
    snprintf(reason, sizeof(reason), "stored %d, neither exit code nor wait status", value);
    return fail_code(why, FAILURE_PAL, reason, "pal_exec of `%s`", pal->name);
}

void payloads_end(struct pal *pal)
{
    pthread_mutex_lock(&pal->lock);
    bool left = pal->payloads != NULL;
    pthread_mutex_unlock(&pal->lock);
    if (!left || !pal_can_kill(pal))
        return;
    struct failure why;
    if (call_kill(pal, -1, SIGKILL, &why) < 0) {
        pal_warn_failure(pal, &why);
        return;
    }
    struct timespec deadline = pal_deadline(KILLED_PAYLOADS_MS);
    pthread_mutex_lock(&pal->lock);
    int error = 0;
    while (pal->payloads != NULL && error == 0)
        error = pthread_cond_timedwait(&pal->changed, &pal->lock, &deadline);
    pthread_mutex_unlock(&pal->lock);
}

static bool is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

const char *payload_path(const char *name, char **environment, char buffer[4096])
{
    if (strchr(name, '/') != NULL || *name == 0)
        return name;
    const char *path = "";
    for (char **entry = environment; entry != NULL && *entry != NULL; entry++)
        if (strncmp(*entry, "PATH=", 5) == 0)
            path = *entry + 5;
    for (const char *at = path; *at != 0;) {
        size_t length = strcspn(at, ":");
        int size = snprintf(buffer, 4096, "%.*s/%s", (int)length, at, name);
        /* A relative entry would find what happens to lie in the working directory. */
        if (*at == '/' && size < 4096 && is_program(buffer))
            return buffer;
        at += length + (at[length] == ':');
    }
    return name;
}
