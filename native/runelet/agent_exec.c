// SPDX-License-Identifier: Apache-2.0
/*
 * The host's stand-in for a program that `rune exec` starts inside an enclave container: the
 * program lives in init-runelet, so engines get this process to wait for, to signal and to hand
 * stdio to.
 */
#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../pal/agent_client.h"
#include "../pal/agent_frame.h"

#define NOBODY 65534

/* The agent's replies are hostile input: nothing of root's is left to whoever would exploit them.
 */
static int drop_rights(struct failure *f)
{
    if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
                           setresuid(NOBODY, NOBODY, NOBODY) < 0))
        return fail_errno(f, errno, "become nobody");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return fail_errno(f, errno, "set no_new_privs");
    prctl(PR_SET_DUMPABLE, 0);
    return 0;
}

static int open_signals(struct failure *f)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    int fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? fail_errno(f, errno, "signalfd") : fd;
}

static int start_program(int socket, const struct agent_exec_request *request, uint32_t *pid,
                         struct failure *f)
{
    struct agent_welcome welcome;
    if (agent_greet(socket, &welcome, f) < 0)
        return -1;
    return agent_start(socket, request, pid, f);
}

int op_agent_exec(struct run *run, struct reader *payload, struct failure *f)
{
    static const int stdio[] = {0, 1, 2};
    struct agent_exec_request request = {.fds = stdio};
    struct exit_status status;
    uint32_t pid, slot = read_u32(payload);
    request.cwd = read_string(payload, NULL);
    request.argv = read_list(payload);
    request.environment = read_list(payload);
    request.flags = read_u32(payload) != 0 ? AGENT_EXEC_TTY : 0;
    if (payload_done(payload, f) < 0)
        return -1;
    int socket = slot_fd(run, slot, f);
    int signals = socket < 0 || drop_rights(f) < 0 ? -1 : open_signals(f);
    if (signals < 0 || start_program(socket, &request, &pid, f) < 0)
        return -1;
    /* The channel's end is the news that the program runs; what fails later is its own exit. */
    if (run->channel >= 0)
        close(run->channel);
    run->channel = -1;
    if (agent_attend(socket, pid, signals, &status, f) < 0)
        return -1;
    _exit(exit_status_code(status));
}
