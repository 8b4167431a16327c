// SPDX-License-Identifier: Apache-2.0
/* What the life thread does: start the PAL, run the init payload. */
#include <stdio.h>
#include <unistd.h>

#include "pal.h"

/* The symbols that only some versions need; those of all were checked at load. */
static int check_symbols(const struct pal *pal, struct failure *why)
{
    const char *missing = NULL;
    if (pal->version >= 2 && pal->symbols.create_process == NULL)
        missing = "pal_create_process";
    else if (pal->version >= 3 && pal->symbols.get_local_report == NULL)
        missing = "pal_get_local_report";
    if (missing == NULL)
        return 0;
    char reason[96];
    snprintf(reason, sizeof(reason), "symbol `%s` not found, which version %d needs", missing,
             pal->version);
    return fail_code(why, FAILURE_PAL_ABI, reason, "start PAL `%s`", pal->name);
}

int pal_start(struct pal *pal, const char *args, const char *log_level, char **environment,
              struct failure *why)
{
    if (environment != NULL)
        environ = environment;
    pal_set_state(pal, PAL_STARTING);
    if (call_get_version(pal, &pal->version, why) < 0 || check_symbols(pal, why) < 0 ||
        call_init(pal, args, log_level, why) < 0)
        return -1;
    pal_set_state(pal, PAL_CREATED);
    return 0;
}

int pal_run(struct pal *pal, const struct pal_payload *init, int *status, struct failure *why)
{
    struct launch launch = {
        init->argv, init->environment, {init->stdio[0], init->stdio[1], init->stdio[2]}};
    char buffer[4096];
    const char *path = payload_path(init->argv[0], init->environment, buffer);
    struct payload payload;
    struct exit_status end;

    pal_set_state(pal, PAL_RUNNING);
    int result = payload_create(pal, path, &launch, &payload, why);
    if (result == 0) {
        pthread_mutex_lock(&pal->lock);
        pal->init = &payload;
        pthread_cond_broadcast(&pal->changed);
        pthread_mutex_unlock(&pal->lock);
        if (init->on_created != NULL)
            init->on_created(init->context);
        result = payload_exec(pal, path, &launch, &payload, &end, why);
    }
    pal_set_state(pal, PAL_ENDING);
    if (result == 0)
        *status = exit_status_code(end);
    return result;
}
