// SPDX-License-Identifier: Apache-2.0
/* The static runelet hosts no PAL; init-runelet links ../pal instead of this file. */
#include "operations.h"

static int refuse(struct failure *f)
{
    return fail_code(f, FAILURE_PLAN, "only init-runelet can", "host a PAL");
}

int op_pal_load(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run, (void)payload;
    return refuse(f);
}

int op_pal_init(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run, (void)payload;
    return refuse(f);
}

int op_agent(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run, (void)payload;
    return refuse(f);
}

int op_pal_run(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run, (void)payload;
    return refuse(f);
}
